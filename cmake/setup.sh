# Sourced by ./run, ./check and .ci/run: packages, then the Release build. Wants the variable `root`.

# install_missing_packages [LIST]: installs by apt what of cmake/packages.txt (or LIST) is missing. Says first what
# and why; touches no network when nothing is missing. Where packages are not Debian's, the build itself finds out.
install_missing_packages() {
  local list=${1:-$root/cmake/packages.txt} missing=() lines=() name reason
  if ! command -v dpkg-query > /dev/null; then
    echo "There is no dpkg here: crease needs what these Debian packages have: ${list#"$root"/}"
    return
  fi
  while read -r name reason; do
    if [[ -z $name || $name == '#'* ]]; then continue; fi
    if [[ $(dpkg-query -W -f='${db:Status-Status}' "$name" 2> /dev/null) != installed ]]; then
      missing+=("$name")
      lines+=("$(printf '  %-20s %s' "$name" "$reason")")
    fi
  done < "$list"
  if ((${#missing[@]} == 0)); then return; fi

  echo "crease needs these Debian packages, which are missing:"
  printf '%s\n' "${lines[@]}"
  local install="apt-get install -y --no-install-recommends ${missing[*]}"
  if ! command -v apt-get > /dev/null; then
    echo "There is no apt-get here: install them (or their like) by hand, then run this again." >&2
    exit 1
  fi
  local as_root=()
  if ((EUID != 0)); then
    if ! command -v sudo > /dev/null || ! { [[ -t 0 ]] || sudo -n true 2> /dev/null; }; then
      echo "This needs root. Run this line as root, then run this again:" >&2
      echo "  apt-get update && $install" >&2
      exit 1
    fi
    as_root=(sudo)
  fi
  echo "Installing them: $install"
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300)
  # A stale or unreachable mirror may still hold every package that is wanted: the install decides.
  "${apt[@]}" update < /dev/null || echo "apt-get update failed; trying to install all the same" >&2
  if ! "${apt[@]}" install -y --no-install-recommends "${missing[@]}" < /dev/null; then
    echo "The packages could not be installed. What is needed: apt-get update && $install" >&2
    exit 1
  fi
}

# build PRESET [cmake --build arguments]: configures and builds build/PRESET.
build() {
  local preset=$1
  shift
  # ccache finds what another checkout compiled, too, if paths are taken relative to the root.
  export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1
  (cd -- "$root" && cmake --preset "$preset" > /dev/null && cmake --build "build/$preset" "$@")
}
