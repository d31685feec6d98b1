# Cases of command.sh, which reads this file: what a training leaves on the disk, however it ends.
# shellcheck shell=bash disable=SC2154  # crease and folder are set there

case_interrupt() {
  "$crease" train --epochs 60 --save whole > /dev/null
  "$crease" train --epochs 60 --save part --log log.jsonl > first &
  local process=$! status=0
  until [[ -s part/checkpoint.safetensors ]]; do kill -0 $process 2> /dev/null || break; sleep 0.01; done
  kill -INT $process 2> /dev/null || true
  wait $process || status=$?
  # A fast machine may have been done before the signal came.
  if [[ $status == 130 ]]; then
    grep -qF "go on with: crease train --resume 'part' --log 'log.jsonl'" first || complain "does not say how: $(cat first)"
    if ! grep -qF 'and 0 steps' first; then gives 1 "[resume] --batch is '32'" train --resume part --batch 7; fi
    gives 0 'saved to part' train --resume part --log log.jsonl
  else
    [[ $status == 0 ]] || complain "interrupted with status $status: $(cat first)"
  fi
  cmp whole/parameters.safetensors part/parameters.safetensors
  cmp whole/checkpoint.safetensors part/checkpoint.safetensors
  [[ $(wc -l < log.jsonl) == 60 ]] || complain "the log has $(wc -l < log.jsonl) lines, want 60"
  gives 0 'nothing to do' train --resume part
  gives 0 'epoch 61/61' train --resume part --epochs 61
  # What still compiles, and what is not saved anyhow, ends at once. (A background process ignores SIGINT.)
  local options
  for options in "--hidden $(seq -s , 100 160) --epochs 1 --save compiling" '--folds 5 --epochs 1000000'; do
    # shellcheck disable=SC2086  # options and their values are words
    "$crease" train $options > first 2>&1 &
    process=$!
    sleep 0.3
    kill -TERM $process
    status=0
    wait $process || status=$?
    [[ $status == 143 && ! -s first && ! -e compiling ]] || complain "status $status, want 143: $(cat first)"
  done
}

# What is there already is replaced where that is asked for, by a training that starts.
case_refused() {
  gives 0 'saved to model' train --epochs 2 --save model --log log.jsonl
  sha256sum model/* log.jsonl > before
  local way_out="[save] model holds a model already: choose another name, go on with crease train --resume 'model', or write"
  gives 1 "$way_out into it with --overwrite" train --save model --log log.jsonl
  gives 1 'model/ holds a model already' train --save model/ --data nowhere  # before any data are read
  gives 2 '--patience' train --save model --overwrite --log log.jsonl --patience 3
  gives 1 'batch is larger than the data' train --save model --overwrite --log log.jsonl --batch 100000
  gives 1 'no rectifier' train --save model --overwrite --log log.jsonl --activation tanh --sparsity
  gives 1 'no rectifier' train --save model --overwrite --log log.jsonl --activation tanh --sparsity-threshold 0
  gives 2 '--overwrite: changes nothing without --save' train --overwrite
  gives 1 '[log] log.jsonl holds lines already: choose another name, go on with --resume' train --log log.jsonl
  gives 1 '[log] ./log.jsonl holds lines already' train --save other --log ./log.jsonl
  sha256sum --quiet --check before || complain 'a training that was refused changed files'
  [[ ! -e other ]] || complain 'a refused training left a folder'
  cp log.jsonl again.jsonl
  gives 0 'epoch 1/1' train --epochs 1 --log again.jsonl --overwrite
  [[ $(wc -l < again.jsonl) == 1 ]] || complain 'a log that is overwritten keeps lines'
  : > again.jsonl
  gives 0 'epoch 1/1' train --epochs 1 --log again.jsonl
  gives 1 "[resume] --hidden is '64' in the saved training: got '32,16'" train --resume model --hidden 32,16
  gives 1 "--activation is 'relu'" train --resume model --epochs 3 --activation tanh
  gives 1 "--batch-norm is 'not given'" train --resume model --epochs 3 --batch-norm
  gives 0 'epoch 3/3' train --resume model --epochs 3 --hidden 64
  # A model may come from somebody else: it does not say where to write.
  cp -r model theirs
  local option
  for option in --nope --trace --save; do
    sed "s/\"--batch\"/\"$option\": \"spoilt\", &/" model/model.json > theirs/model.json
    gives 1 "[resume] model.json has the unknown option '$option'" train --resume theirs --epochs 4
  done
  [[ ! -e spoilt ]] || complain 'a model said where to write'
  sed 's/"--batch": "32"/"--batch": "many"/' model/model.json > theirs/model.json
  gives 1 "[resume] model.json: --batch: got 'many', want a whole number" train --resume theirs --epochs 4
  # A checkpoint of the training before is no part of one that begins anew in its folder.
  gives 0 'saved to model' train --epochs 2 --save model --overwrite
  mkdir copy
  cp model/checkpoint.safetensors copy
  gives 1 '[save] copy holds files already: choose another name, or write into it with --overwrite' train --save copy
  gives 1 'stopped being finite' train --optimizer sgd --learning-rate 1e30 --save copy --overwrite
  gives 1 'checkpoint.safetensors' train --resume copy
}

# Two trainings do not write into one folder, and what a killed one left there goes with the next.
case_one_folder() {
  "$crease" train --epochs 1000000 --save model --log log.jsonl > first 2>&1 &
  local process=$! gone kept
  until [[ -s model/checkpoint.safetensors ]]; do kill -0 $process || complain "$(cat first)"; sleep 0.01; done
  gives 1 '[save] another training writes into model now: wait for its end, or choose another name' train --save model --overwrite
  gives 1 '[save] another training writes into model now' train --resume model
  gives 1 '[save] another training writes into ./model/ now' train --resume model --save ./model/
  gives 0 'samples, loss' eval model
  kill -KILL $process
  wait $process || true
  gone=$(bash -c 'echo $$')
  kept=(model/.crease-$$-0.tmp model/.crease-begin-$$ model/.crease-$gone-0.txt model/.crease--0.tmp model/.crease-$gone-x.tmp
    model/crease-$gone-0.tmp model/.crease-99999999999999999999-0.tmp model/notes)
  touch "${kept[@]}" "model/.crease-$gone-0.tmp" "model/.crease-$gone-12.tmp"
  mkdir "model/.crease-begin-$gone" "model/.crease-$gone-3.tmp"
  touch "model/.crease-begin-$gone/graph.txt"
  ln -s notes "model/.crease-$gone-4.tmp"
  gives 0 'epoch 1/1' train --epochs 1 --save model --overwrite
  local name
  for name in "${kept[@]}" "model/.crease-$gone-3.tmp" "model/.crease-$gone-4.tmp"; do
    [[ -e $name ]] || complain "removed $name, which is not surely its own"
  done
  for name in "model/.crease-$gone-0.tmp" "model/.crease-$gone-12.tmp" "model/.crease-begin-$gone"; do
    [[ ! -e $name ]] || complain "left $name"
  done
}

# What is resumed goes on as the command line says now, and in another folder leaves nothing of what was there.
case_resume() {
  gives 0 'saved to model' train --epochs 1 --optimizer sgd --learning-rate 0.5 --save model
  gives 0 'saved to kept' train --resume model --epochs 2 --save kept
  gives 0 'saved to slow' train --resume model --epochs 2 --learning-rate 1e-9 --save slow
  cmp -s kept/parameters.safetensors slow/parameters.safetensors && complain 'the learning rate is passed over'
  gives 0 'saved to other' train --epochs 1 --hidden 4 --save other
  gives 1 '[save] other holds a model already' train --resume model --epochs 2 --save other
  gives 1 'nowhere/log' train --resume model --epochs 2 --save other --overwrite --log nowhere/log  # ends before its first step
  [[ ! -e other/checkpoint.safetensors ]] || complain "another training's checkpoint is left beside the model"
  gives 1 'nowhere/log' train --resume model --epochs 2 --save ./model/ --log nowhere/log
  gives 0 'epoch 2/2' train --resume model --epochs 2
}

# Links and modes of the files in a model's folder stay.
case_links() {
  mkdir model elsewhere
  ln -s ../elsewhere/graph.txt model/graph.txt
  : > model/parameters.safetensors
  chmod 600 model/parameters.safetensors
  gives 0 'saved to model' train --epochs 1 --save model --overwrite
  [[ -L model/graph.txt && -s elsewhere/graph.txt ]] || complain 'a link is replaced by a file'
  [[ $(stat -c %a model/parameters.safetensors) == 600 ]] || complain 'a private file became readable'
}

# Names of any bytes and numbers that JSON has not: what is saved is read again.
case_odd_models() {
  local place=$'b\xff.csv' i
  printf 'a,kind\n1,\xfcber\n2,low\n3,low\n4,\xfcber\n5,low\n6,low\n' > latin.csv
  gives 1 "'latin.csv' line 2, column 2 ('kind'): the name of a class is not UTF-8 from byte 0 on" train --data csv:latin.csv
  printf 'a,y\n' > "$place"
  for i in {1..30}; do printf '%d,%d.5\n' "$i" "$i" >> "$place"; done
  gives 0 'saved to' train --data "csv:$place" --epochs 1 --batch 4 --save $'b\xff'
  gives 0 'samples, loss' eval $'b\xff' --data "csv:$place"
  gives 0 '"schema"' inspect $'b\xff' --json
  gives 0 '</html>' inspect $'b\xff' --html
  # An outlier whose square is no f32, in the part that is tested.
  for i in {1..30}; do
    { printf 'a,y\n'; seq 30 | awk -v odd="$i" '{ print $1 "," ($1 == odd ? "1e25" : $1 ".5") }'; } > outlier.csv
    "$crease" train --data csv:outlier.csv --epochs 1 --batch 4 --optimizer sgd --learning-rate 0.01 --save outlier --overwrite > output 2>&1 || continue
    if grep -qF 'test loss inf' output; then break; fi
  done
  gives 0 'loss inf' eval outlier
  gives 0 'COST' inspect outlier
  gives 0 'epoch 2/2' train --resume outlier --epochs 2
}

# Killed again and again at no chosen moment, and resumed: the result is that of a training left alone.
case_kill() {
  local options=(--epochs 12 --validation 0.2 --shift 1 --checkpoint-seconds 0)
  "$crease" train "${options[@]}" --save whole --log whole.jsonl > /dev/null
  local kills=0 status process
  "$crease" train "${options[@]}" --save part --log part.jsonl > first & process=$!
  while true; do
    # Longer each time, so that a slow machine gets on, too.
    sleep "$(awk -v kills=$kills -v random=$RANDOM 'BEGIN { print random / 32768 * (0.3 + 0.1 * kills) }')"
    kill -KILL $process 2> /dev/null || true
    status=0
    wait $process 2> /dev/null || status=$?
    if [[ $status == 0 ]]; then break; fi
    ((status == 137)) || { cat first; complain "status $status"; }
    kills=$((kills + 1))
    if [[ -s part/checkpoint.safetensors ]]; then
      "$crease" train --resume part --checkpoint-seconds 0 --log part.jsonl > first & process=$!
    else
      "$crease" train "${options[@]}" --save part --overwrite --log part.jsonl > first & process=$!
    fi
  done
  echo "killed $kills times"
  cmp whole/parameters.safetensors part/parameters.safetensors
  cmp whole/checkpoint.safetensors part/checkpoint.safetensors
  local times='s/"(seconds|samples_per_second)":[^,}]*//g'
  diff <(sed -E "$times" whole.jsonl) <(sed -E "$times" part.jsonl)
}

# A disk that is full, or a place that cannot be written, in the middle of a training.
case_full_disk() {
  local status=0
  (ulimit -f 30; exec "$crease" train --epochs 3 --save small) > output 2>&1 || status=$?
  [[ $status == 1 ]] || complain "at the limit of a file's size: status $status, want 1: $(cat output)"
  grep -qF 'epoch 3/3' output || complain "the training ended early: $(cat output)"
  grep -qF "small/checkpoint.safetensors': File too large" output || complain "no reason: $(cat output)"
  [[ -z $(find small -name '.crease-*') ]] || complain "leaves $(find small -name '.crease-*')"
  # No room for even the first model: what is there stays.
  sha256sum small/* > before
  status=0
  (ulimit -f 1; exec "$crease" train --epochs 3 --hidden 64,64 --save small --overwrite) > output 2>&1 || status=$?
  [[ $status == 1 ]] || complain "no room at the start: status $status, want 1: $(cat output)"
  sha256sum --quiet --check before || complain 'a training that could not begin changed files'
  [[ -z $(find small -name '.crease-*') ]] || complain "leaves $(find small -name '.crease-*')"
  # The checkpoint's place is taken by a folder: every save fails, the last one too.
  mkdir -p taken/checkpoint.safetensors rescue
  TMPDIR=$folder/rescue gives 1 'training goes on' train --epochs 40 --save taken --overwrite --checkpoint-seconds 0
  [[ $(grep -c 'training goes on' output) == 1 ]] || complain "told more than once: $(cat output)"
  grep -qF 'epoch 40/40' output || complain "the training ended early: $(cat output)"
  local rescued
  rescued=$(echo rescue/crease-unsaved-*)
  grep -qF "go on with crease train --resume '$folder/$rescued'" output || complain "no way out: $(cat output)"
  gives 0 'nothing to do' train --resume "$rescued"
  # A trace that could not be written is an error before anything is trained; one that could, and then cannot,
  # costs nothing of what was trained.
  gives 1 'nowhere/trace' train --epochs 5 --save traced --trace nowhere/trace
  gives 1 'is a folder' train --epochs 5 --save traced --trace small
  [[ ! -e traced ]] || complain 'trained for a trace that cannot be written'
  status=0
  (ulimit -f 16; exec "$crease" train --epochs 5 --hidden 4 --save traced --trace trace) > output 2>&1 || status=$?
  [[ $status == 1 ]] || complain "a trace at the limit of a file's size: status $status, want 1: $(cat output)"
  grep -qF "/trace': File too large" output || grep -qF "'trace': File too large" output || complain "no reason: $(cat output)"
  gives 0 'nothing to do' train --resume traced --epochs 5
  if [[ -w /dev/full ]]; then
    for command in 'inspect small' 'eval small'; do
      status=0
      # shellcheck disable=SC2086
      "$crease" $command > /dev/full 2> output || status=$?
      [[ $status == 1 ]] || complain "crease $command to a full disk: status $status, want 1: $(cat output)"
      grep -qF 'could not be written' output || complain "crease $command: no reason: $(cat output)"
    done
  fi
}
