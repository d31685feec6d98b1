#!/usr/bin/env bash
# The report's page in a headless browser: page.sh PAGES FOLDER, where PAGES is the program that writes the pages.
# For every page and for light and dark: no error on the console, the checks of checks.js, a screenshot in FOLDER.
set -euo pipefail
pages=$1 folder=$2
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
if [[ -z $browser ]]; then
  echo "skipped: there is no Chromium here (Debian package chromium)"
  exit 77
fi
rm -rf -- "$folder"
mkdir -p -- "$folder/profile"
"$pages" "$folder"

run_browser() {
  timeout 120 "$browser" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --window-size=1280,1600 \
    --user-data-dir="$folder/profile" "$@" 2> "$folder/browser.log"
}

failed=0
for page in "$folder"/*.html; do
  name=$(basename "$page" .html)
  # What is watched comes before the page's own script, the checks after it.
  { echo "<script>const problems = []; addEventListener('error', (e) => problems.push(e.message));" \
         "console.error = (...words) => problems.push(words.join(' '));</script>"
    cat "$page"
    echo "<script>const facts = $(sed 's/</\\u003c/g' "$folder/$name.json");"
    cat "$here/checks.js"
    echo "</script>"; } > "$folder/$name.test.html"
  run_browser --virtual-time-budget=30000 --dump-dom "file://$folder/$name.test.html" > "$folder/$name.dom"
  result=$(sed -n '/<pre id="test-result">/,/<\/pre>/p' "$folder/$name.dom" | sed '1s/.*<pre id="test-result">//; s/<\/pre>.*//; /<\/pre>/q' | sed '/^<\/body>/d')
  run_browser --screenshot="$folder/$name.png" "file://$page"
  if grep -q 'CONSOLE' "$folder/browser.log"; then result+=" console: $(grep CONSOLE "$folder/browser.log" | head -3)"; fi
  if [[ $result == passed ]]; then
    echo "$name: passed"
  else
    echo "$name: ${result:-the checks did not end}"
    failed=1
  fi
done
run_browser --force-dark-mode --blink-settings=preferredColorScheme=0 --screenshot="$folder/dark.png" "file://$folder/digits.html"
exit $failed
