#!/usr/bin/env bash
# command.sh CREASE CASE: runs the command the way a user does and holds what it says and its exit status against
# what is right. Cases are the functions named case_*.
set -euo pipefail
crease=$1
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf -- "$folder"' EXIT
cd -- "$folder"

complain() { printf '%s\n' "$*" >&2; exit 1; }

# gives STATUS TEXT ARGUMENTS...: the command must end with STATUS and say TEXT somewhere.
gives() {
  local want=$1 text=$2 status=0
  shift 2
  "$crease" "$@" > output 2>&1 || status=$?
  [[ $status == "$want" ]] || { cat output; complain "crease $*: status $status, want $want"; }
  grep -qF -- "$text" output || { cat output; complain "crease $*: does not say: $text"; }
}

case_help() {
  gives 0 'Example' --help
  local name
  for name in demo train inspect eval predict dump check prove balance canonical simplify equivalent \
    convert doctor; do
    gives 0 'Example' "$name" --help
    grep -qF "crease $name" output || complain "$name --help has no example of its own"
  done
  gives 0 'give --log (the file goes on)' train --help
}

case_usage() {
  gives 2 'subcommand is required'
  gives 0 'crease 0.' --version
  gives 2 '--nope: no such option' train --nope
  gives 2 '--epoch: no such option; did you mean --epochs?' train --epoch 3
  gives 2 '--epoch: no such option; did you mean --epochs?' train --epoch=3
  gives 2 '--verson: no such option; did you mean --version?' --verson
  gives 2 'frobnicate: no such subcommand: want one of demo, train, inspect' frobnicate
  gives 2 'doctor; did you mean inspect?' inspct model
  gives 2 '--hidden: got 0, want sizes of at least 1' train --hidden 0
  gives 2 '--channels: got -3, want sizes of at least 1' train --model cnn --channels 4,-3
  gives 2 '--epochs' train --epochs many
  gives 2 'model is required' eval
  local name
  for name in --save --resume --log --data --tie --hidden --trace; do gives 2 "$name: got" train "$name" ''; done
  gives 2 'model: got an empty text; leave the option out instead' inspect ''
  gives 2 "--save: got '--flip', an option; a file of this name is ./--flip" train --save --flip
  gives 2 "--output: got '=form'; write a blank for the =" canonical model -o=form
}

# What would change nothing is refused, with what it lacks or what it stands beside.
case_idle() {
  "$crease" train --epochs 1 --hidden 4 --save model > output || complain 'cannot train'
  gives 2 '--channels: changes nothing without --model cnn' train --channels 4,8
  gives 2 '--pieces: changes nothing without --activation maxout' train --pieces 3
  gives 2 '--patience: changes nothing without --validation' train --patience 3
  gives 2 '--checkpoint-seconds: changes nothing without --save or --resume' train --checkpoint-seconds 3
  local option
  for option in '--threads 2' '--machine x86-64' '--memory-limit 1M' --profile '--trace file' --name-code; do
    # shellcheck disable=SC2086  # an option and its value are words
    gives 2 "${option%% *}: changes nothing beside --interpret: leave one of the two out" train --interpret $option
  done
  for option in '--save other' '--resume model' '--log log' '--checkpoint-seconds 1 --resume model' '--validation 0.2' \
    --profile '--trace file' --census --sparsity '--sparsity-threshold 0.1'; do
    # shellcheck disable=SC2086
    gives 2 'changes nothing beside --folds' train --folds 2 $option
  done
  gives 2 '--sizes: changes nothing beside model' dump model --sizes 2,3
  gives 2 '--activation: changes nothing beside model' dump model --activation tanh
  gives 2 '--optimizer: changes nothing without --simplified or' dump --optimizer adam
  gives 2 '--tie: changes nothing without --simplified or' dump --graph --tie mid
  gives 2 '--batch: changes nothing without --simplified or' dump --gradient --batch 3
  gives 0 'training step' dump --gradient --optimizer adam --tie mid
  gives 2 '--certificate: changes nothing without --smt2' prove model --certificate file
  gives 2 '--box: changes nothing without --range fp16 or --range bf16' balance model -o other --range int8 --box 0,1
  gives 2 '--samples: changes nothing without --data' inspect model --samples 3
  gives 2 '--all: changes nothing beside --html' inspect model --html --all
  # What a saved training has is given as well.
  "$crease" train --epochs 1 --hidden 4 --activation maxout --pieces 3 --validation 0.2 --save model --overwrite > output
  gives 0 'epoch 2/2' train --resume model --epochs 2 --patience 3 --pieces 3
  [[ ! -e other ]] || complain 'a refused command left a folder'
}

case_bad_input() {
  printf 'a,b,y\n1,2,0.5\n3,4,1.5\n5,6,2.5\n7,8,3.25\n9,8,4.5\n5,5,2.75\n1,1,0.25\n' > regression.csv
  printf 'a,b,label\n1,2,x\n3,4,y\n5,6,x\n7,8,y\n9,8,y\n5,5,x\n1,1,x\n2,2,y\n3,3,x\n4,4,y\n' > numbers.csv
  gives 1 "[data] unknown data 'nothing'" train --data nothing
  gives 1 'learning rate must be positive and finite: got 0' train --learning-rate 0
  gives 1 'learning rate must be positive and finite: got nan' train --learning-rate nan
  gives 1 'batch is larger than the data: got 100000' train --batch 100000
  gives 1 'epochs must be at least 1: got 0' train --epochs 0
  gives 2 "--seed: got '-1', want a whole number from 0 to 18446744073709551615" train --seed -1
  gives 2 "--epochs: got '99999999999999999999', want a whole number" train --epochs 99999999999999999999
  gives 2 "--hidden: got '1e3', want a whole number" train --hidden 64,1e3
  gives 2 "--hidden: got '', want a whole number" train --hidden 5,,3
  gives 2 "--sizes: got '', want a whole number" dump --sizes 2,3,
  gives 1 'threads: got 100000, want 1 to 1024' train --threads 100000
  gives 1 'GB: so much memory is not to be had here' train --hidden 99999999999
  gives 1 "unknown name 'rule'" train --activation rule
  gives 1 "unknown name 'newton'" train --optimizer newton
  gives 1 'or value(s) with 0 <= s <= 1; or the tables pytorch, jax' train --tie middle
  gives 1 'or value(s) with 0 <= s <= 1; or the tables pytorch, jax' dump --gradient --tie middle
  gives 1 "unknown schedule 'step(2,x)'" train --schedule 'step(2,x)'
  gives 1 'plateau counts whole epochs: got 1.5' train --schedule 'plateau(1.5,0.1)'
  gives 1 "[init] unknown name 'wild'" train --init wild
  gives 1 "[init] gain is that of an activation of the catalogue: 'prelu' is a layer" train --init gain --activation prelu
  gives 1 "[model] unknown name 'rnn'" train --model rnn
  gives 1 'no images' train --model cnn --data csv:numbers.csv
  gives 1 'at least 2 pieces: got 1' train --activation maxout --pieces 1
  gives 1 'the rate must be at least 0 and below 1: got 1' train --dropout 1
  gives 1 'finite and at least 0: got -1' train --l1-activations -1
  gives 1 'norm' train --clip -1
  gives 1 'smoothing' train --label-smoothing 2
  gives 1 'images of 8x8 are too small for 4 poolings' train --model cnn --channels 1,1,1,1
  gives 2 '--channels: got 0, want sizes of at least 1' train --model cnn --channels 0
  gives 1 'weight decay must be at least 0' train --weight-decay -1
  gives 1 '[warm_up]' train --warm-up -1
  gives 1 'label smoothing wants classes' train --label-smoothing 0.1 --data csv:regression.csv
  gives 2 '--hidden: got 0, want sizes of at least 1' train --hidden 0
  gives 1 'is not a folder' eval nowhere
  gives 1 'is not a folder' train --resume nowhere
  : > file
  gives 1 'cannot make the folder' train --save file/model
  printf 'a,b,label\n1,2,x\n3,oops,y\n' > bad.csv
  gives 1 'bad.csv' train --data csv:bad.csv
  printf 'x,y\n1,1.5\n,2.5\n3,3.5\n4,4.5\n5,5.25\n6,6.5\n' > holes.csv
  gives 1 'missing=drop (Missing::DropRow) leaves such rows out, missing=mean (Missing::Mean) takes the mean' train --data csv:holes.csv
  gives 0 'saved to holes' train --data csv:holes.csv,missing=mean --epochs 1 --batch 2 --save holes
  gives 0 'test part of csv:holes.csv,missing=mean' eval holes
  printf 'a;y;b\n1;1.5;2\n2;2.5;3\n3;3.5;1\n4;4.5;7\n5;5.25;2\n6;6.5;8\n' > semicolons.csv
  gives 0 'saved to prices' train --data csv:semicolons.csv,label=y --epochs 1 --batch 2 --save prices
  gives 0 'test part of' eval prices
  ! "$crease" eval prices 2>&1 | grep -q 'has changed' || complain 'data that are as they were are told as changed'
  printf '7;7.5;3\n' >> semicolons.csv
  gives 0 'csv:semicolons.csv,label=y has changed since the model was trained on it' eval prices
  printf 'row\tb\ty\ta\n1\t2\t1.5\t4\n2\t3\t2.5\t1\n' > tabs.csv
  gives 0 'csv:tabs.csv: 2 samples' eval prices --data csv:tabs.csv --part all
  gives 1 "unknown separator 'pipe': want comma, semicolon, tab, bar" eval prices --data csv:tabs.csv,separator=pipe
  gives 1 'at least 0: got -1' train --save model --checkpoint-seconds -1
  gives 1 'nowhere' train --data mnist:nowhere
  gives 1 'stopped being finite at epoch 1' train --optimizer sgd --learning-rate 1e30
}

case_train() {
  gives 0 'saved to model' train --epochs 2 --save model
  grep -qE '^epoch 2/2  loss [0-9.]+  accuracy [0-9.]+ %  test loss [0-9.]+  test accuracy [0-9.]+ %' output ||
    complain "no line for epoch 2: $(cat output)"
  local accuracy
  accuracy=$(grep -oE '^test accuracy [0-9.]+ %' output)
  gives 0 "${accuracy#test }" eval model
  gives 0 'input %0 x: f32[batch, 64]' dump model
  sed -i 's/"data": "digits"/"data": ""/' model/model.json  # as a program writes it that trains by itself
  gives 1 "[eval] the model in 'model' does not name the data that it was made for: give --data" eval model
  gives 0 "${accuracy#test }" eval model --data digits
  printf 'x0,x1,y\n' > line.csv
  local i
  for i in {1..60}; do printf '%d,%d,%d.5\n' "$i" $((i * i % 17)) $((3 * i)) >> line.csv; done
  gives 0 'losses are mean squares of errors, as shares' train --data csv:line.csv --epochs 3
  grep -qE '^on 12 test samples root mean square error [0-9.]+, R2 -?[0-9.]+$' output || complain "no figures: $(cat output)"
  # Prices are learnt like anything else, and predicted as prices.
  awk -F, 'NR == 1 { print; next } { print $1 "," $2 "," 200000 + 1000 * $3 }' line.csv > prices.csv
  gives 0 'saved to prices' train --data csv:prices.csv --epochs 100 --save prices
  gives 0 'R2 0.9' eval prices
  gives 0 'prediction' predict prices --data csv:prices.csv
  awk 'NR > 1 && ($1 < 150000 || $1 > 450000) { exit 1 }' output || complain "no prices: $(cat output)"
  gives 0 'epoch 101/101  loss 0.0' train --resume prices --epochs 101
  gives 0 '3 folds: test loss 0.' train --data csv:prices.csv --epochs 100 --folds 3
  gives 0 'gradients are healthy' inspect prices
}

case_experiment() {
  gives 0 'parameters are kept' train --epochs 60 --validation 0.25 --patience 3 --log log.jsonl --save model
  [[ $(wc -l < log.jsonl) == $(grep -c '^epoch' output) ]] || complain 'the log has not one line an epoch'
  gives 0 'recall' eval model --confusion
  gives 0 'samples are proved to keep their true class' eval model --within 0.01
  gives 1 'want a number of at least 0' eval model --within -1
  gives 0 '3 folds: test accuracy' train --folds 3 --epochs 2
  gives 0 'saved to moved' train --shift 1 --flip --epochs 1 --save moved
  gives 1 '--validation: got 2, want a share of at least 0 and less than 1' train --validation 2
  gives 1 '--validation: got nan' train --validation nan
  gives 1 'shift of 8 pixels' train --shift 8
  gives 1 '1 folds of 1438 samples' train --folds 1
  gives 1 '0 folds of 1438 samples' train --folds 0
  gives 1 'cannot' train --epochs 1 --log nowhere/log.jsonl
}

case_options() {
  local choice
  for choice in '--optimizer nesterov' '--optimizer adagrad' '--optimizer rmsprop' '--optimizer adamw' \
    '--schedule cosine(0.1) --warm-up 1' '--schedule step(1,0.5)' '--schedule exponential(0.9)' \
    '--schedule plateau(1,0.5)' '--init gain --activation gelu' '--init orthogonal' '--init lsuv' \
    '--activation maxout --pieces 3 --l1-activations 1e-5' '--activation prelu' '--activation swish --l1-activations 1e-5' '--batch-norm' \
    '--clip 1 --clip-value 0.5 --l1 1e-6 --l2 1e-6 --label-smoothing 0.1'; do
    # shellcheck disable=SC2086  # options and their values are words
    gives 0 'test accuracy' train --epochs 2 $choice
  done
  # What is drawn in training, dropout and slopes, goes on as if the training had not stopped.
  local network='--model cnn --channels 4 --hidden 16 --dropout 0.2 --input-dropout 0.1 --activation rrelu --batch-norm'
  # shellcheck disable=SC2086
  gives 0 'saved to whole' train --epochs 2 $network --schedule 'step(1,0.5)' --save whole
  # shellcheck disable=SC2086
  gives 0 'saved to parts' train --epochs 1 $network --schedule 'step(1,0.5)' --save parts
  gives 0 'saved to parts' train --resume parts --epochs 2
  cmp whole/parameters.safetensors parts/parameters.safetensors || complain 'a resumed training differs'
}

case_demo() {
  gives 0 'written to' demo --output 'a folder'
  local accuracies
  mapfile -t accuracies < <(grep -oE '^test accuracy [0-9.]+' output | grep -oE '[0-9.]+$')
  [[ ${#accuracies[@]} == 2 ]] || complain "want two test accuracies: ${accuracies[*]}"
  awk -v a="${accuracies[0]}" 'BEGIN { exit !(a >= 96) }' || complain "test accuracy ${accuracies[0]} % is below 96 %"
  local file
  for file in report.txt report.html report.json model/graph.txt; do
    [[ -s "a folder/$file" ]] || complain "no $file"
  done
  [[ -s 'a folder/graph.svg' || -s 'a folder/graph.dot' ]] || complain 'no drawing'
  grep -qF 'is affine' 'a folder/report.txt' || complain 'the report does not say that the second network is affine'
  gives 0 'AFFINE' inspect 'a folder/model'
  gives 0 '"schema"' inspect 'a folder/model' --json
  gives 0 'digraph' inspect 'a folder/model' --dot
  gives 2 'excludes' inspect 'a folder/model' --dot --json
}

case_dump() {
  gives 0 'output loss' dump
  gives 0 'update "0.weight"' dump --gradient
  gives 0 'update "0.weight"' dump --gradient --tie pytorch
  gives 0 '=== kernels ===' dump --kernels --fused --schedule --memory --llvm --assembly --time-passes
  grep -qF '=== assembly ===' output || complain 'no assembly'
  # The loss is the one that training takes, and named.
  gives 0 '=== training step (cross-entropy) ===' dump --gradient
  gives 0 '=== network and loss (mse) ===' dump --loss mse
  printf 'x,y\n1,1.5\n2,2.5\n3,3.5\n4,4.5\n5,5.25\n6,6.5\n' > line.csv
  "$crease" train --data csv:line.csv --epochs 1 --hidden 3 --save line > output || complain 'cannot train'
  gives 0 '=== training step (mse in deviations) ===' dump line --gradient
  grep -qE 'input %[0-9]+ target: f32\[batch\]' output || complain "no target of one number a sample: $(cat output)"
  gives 0 '=== training step (cross-entropy) ===' dump line --gradient --loss cross-entropy
}

case_balance() {
  local name
  "$crease" train --epochs 1 --hidden 8 --save model > output || complain 'cannot train'
  gives 0 'outputs bit-identical on 64 random inputs' balance model -o balanced
  "$crease" eval model > first
  "$crease" eval balanced > second
  cmp first second
  gives 0 'EQUIVALENT for all inputs' equivalent model balanced --certificate equal.json
  gives 0 'accepted: both networks' check equal.json model balanced
  gives 3 'speaks of two graphs' check equal.json model
  "$crease" train --epochs 1 --hidden 8 --seed 3 --save other > output || complain 'cannot train'
  gives 3 'DIFFERENT: logits[0]' equivalent model other --certificate differ.json
  gives 0 'accepted: logits is' check differ.json model other
  gives 3 'about another second graph' check differ.json model balanced
  rm -r other
  "$crease" train --epochs 1 --hidden 8 --batch-norm --save normed > output || complain 'cannot train'
  "$crease" canonical normed -o normed-form > output || complain 'no canonical form'
  gives 4 "no certificate: 'unknown.json' is not written" equivalent normed normed-form --certificate unknown.json
  for name in balance canonical; do
    gives 1 '[save] balanced exists already' "$name" model -o balanced
    [[ $(wc -l < output) == 1 ]] || complain "$name works before it sees that: $(cat output)"
  done
  gives 0 'least over all networks' balance model -o real --real
  gives 0 'int8 after' balance model -o even --range int8
  gives 0 'fp16 after' balance model -o half --range fp16 --samples 8
  gives 0 'factors differ from 1' canonical model -o form
  gives 0 'units changed their place' canonical balanced -o same-form
  cmp form/parameters.safetensors same-form/parameters.safetensors || complain 'two canonical forms of one network'
  gives 1 'is not a folder' balance nowhere -o other
  gives 1 'nope' balance model -o other --keep nope
  gives 2 'output is required' balance model
  [[ ! -e other ]] || complain 'a failed run left a folder'
  [[ -z $(find . -name '*.partial*') ]] || complain 'a partial folder is left'
}

case_simplify() {
  local how
  "$crease" train --epochs 1 --hidden 8 --save model > output || complain 'cannot train'
  gives 0 'UNITS' inspect model --box 0,1
  gives 0 '"units"' inspect model --box=-1,1 --json
  gives 1 'want LOW,HIGH' inspect model --box 1,0
  gives 1 'want LOW,HIGH' inspect model --box nan,1
  gives 0 'with certificate.json' simplify model --box 0.49,0.5 -o smaller
  grep -q 'round 1: ' output || complain 'no round is told'
  gives 0 'accepted: ' check smaller/certificate.json model smaller
  gives 3 'give both' check smaller/certificate.json model
  gives 3 'about another second graph' check smaller/certificate.json model model
  gives 0 'are the same function on the box' simplify model --box 0.49,0.5 --no-collapse -o moved
  gives 0 'the same function on the box' check moved/certificate.json model moved
  gives 0 'the same function on the box' simplify model --box 0.4,0.6 --no-collapse --certified -o certified
  gives 0 'parameters: 610 before, 0 after' simplify model --box 0.5,0.5 -o constant
  gives 0 'accepted: outputs of both networks differ by at most' check constant/certificate.json model constant
  # A network without parameters, whose outputs are the same for every input, is still one of one input.
  for how in '' --interpret --confusion '--within 0.1'; do
    # shellcheck disable=SC2086
    gives 0 '359 samples, loss 2.' eval constant $how
  done
  gives 0 'bit-identical' balance constant -o balanced-constant
  gives 0 'bit-identical' canonical constant -o canonical-constant
  gives 0 'output loss' dump constant
  gives 1 'has no parameters, so there is no training step: --graph alone prints its network' dump constant --gradient
  gives 0 'x[64] = logits' inspect constant --data digits --box 0,1
  gives 0 'nothing is proved about constant' prove constant
  gives 3 'DIFFERENT' equivalent model constant
  gives 3 'DIFFERENT' equivalent constant model
  gives 0 'nothing was changed' simplify constant --box 0,1 -o twice
  gives 0 '0,1,2,3,4,5,6,7,8,9' predict constant --data digits
  gives 0 'accuracy' eval smaller
  # Where nothing can be changed it says so, and bounds no difference of a network from itself.
  "$crease" train --epochs 1 --hidden 8 --activation tanh --save smooth > output || complain 'cannot train'
  gives 0 'nothing was changed: outputs are the same for all inputs' simplify smooth --box 0,1 -o same
  if grep -q 'at most\|units by layer' output; then complain "says more than that: $(cat output)"; fi
  cmp smooth/parameters.safetensors same/parameters.safetensors
  gives 0 'accepted: both networks are the same' check same/certificate.json smooth same
  gives 1 'smaller exists already' simplify model --box 0,1 -o smaller
  gives 1 'want LOW,HIGH' simplify model --box 0 -o other
  gives 2 'box is required' simplify model -o other
  [[ ! -e other ]] || complain 'a failed run left a folder'
}

case_prove() {
  "$crease" train --epochs 1 --hidden 4 --activation identity --save affine > output || complain 'cannot train'
  "$crease" train --epochs 1 --hidden 4 --save relu > output || complain 'cannot train'
  gives 0 'affine-collapse        proved' prove affine
  gives 0 'not-affine             proved   logits is not affine' prove relu
  gives 0 'AFFINE' inspect affine --certificates proofs
  gives 0 'accepted: ' check proofs/c1.json affine
  gives 3 'refused: the certificate is about another graph' check proofs/c1.json relu
  sed 's/"b":\["[^"]*"/"b":["3"/' proofs/c1.json > wrong.json
  gives 3 'the certificate claims 3' check wrong.json affine
  gives 3 'refused: not a certificate: line 1, column 1: no JSON: got the byte 0x7f' check "$crease" affine
  head -c 100 proofs/c1.json > short.json
  gives 3 'column 101: no JSON: the text ends too early' check short.json affine
  sed 's/"claim"/"clam"/' proofs/c1.json > misspelt.json
  gives 3 "refused: field 'claim' is missing" check misspelt.json affine
  gives 1 'nowhere' check nowhere affine
  gives 1 'is not a folder' prove nowhere
  gives 1 "no such claim: got 'c9', want one of c1, c2" prove affine --claim c9 --smt2 c9.smt2
  gives 1 "no such claim: got 'c9', want one of c1, c2" prove affine --claim c9
  gives 0 'c1   affine-collapse        proved   logits is the claimed affine map' prove affine --claim c1
  [[ $(wc -l < output) == 1 ]] || complain "more than that claim: $(cat output)"
  gives 1 'want --claim with one of c1, c2' prove affine --smt2 any.smt2
  gives 1 'no statement of linear arithmetic' prove affine --claim c2 --smt2 c2.smt2
  gives 0 'saved to form' canonical affine -o form
  gives 0 'EQUIVALENT' equivalent affine form --certificate equal.json
  gives 1 'got a claim about two, want both' prove affine --certificate equal.json --smt2 equal.smt2
  gives 0 'written to equal.smt2' prove affine form --certificate equal.json --smt2 equal.smt2
  gives 2 'other: changes nothing without --certificate' prove affine affine
}

# Another solver, which shares nothing with crease, is asked what crease proves.
case_solver() {
  command -v z3 > /dev/null || { echo 'skipped: z3 is not installed'; exit 77; }
  case_prove
  local model
  for model in affine relu; do
    gives 0 'unsat if' prove "$model" --claim c1 --smt2 "$model.smt2"
    [[ $(z3 "$model.smt2") == unsat ]] || complain "z3 does not agree about $model"
  done
  [[ $(z3 equal.smt2) == unsat ]] || complain 'z3 does not agree that two networks are equal'
  gives 0 'unsat if' prove affine --certificate wrong.json --smt2 wrong.smt2
  [[ $(z3 wrong.smt2) == sat ]] || complain 'z3 finds no counterexample to a wrong claim'
}

case_limits() {
  gives 1 "unknown level of a machine: got 'avx9'" train --machine avx9
  gives 0 'test accuracy' train --epochs 1 --machine x86-64
  gives 1 "unknown precision of contractions: got 'fp8'" train --contractions fp8
  gives 0 'test accuracy' train --epochs 1 --contractions f32_split
  gives 0 'computed in f32' train --epochs 1 --machine x86-64 --contractions f32_split3
  gives 0 'test accuracy' train --epochs 1 --contractions bf16
  gives 1 "[memory] size: got '64X'" train --memory-limit 64X
  gives 1 'do not fit into the memory limit: got 1024 bytes, want at least' train --memory-limit 1K
  local wide=(train --epochs 1 --hidden 64,64,64,64 --activation tanh --batch 256)
  "$crease" "${wide[@]}" | tail -n 1 > whole
  gives 0 "$(cat whole)" "${wide[@]}" --memory-limit 300K
  gives 0 'GFLOP/s and' train --epochs 1 --profile --trace trace.json
  grep -qF 'relu_batch' output || complain "the profile names no kernel"
  grep -qF '"traceEvents"' trace.json || complain "no trace was written"
  export TMPDIR=$folder
  gives 0 'test accuracy' train --epochs 1 --name-code
  grep -q '^[0-9a-f]* [0-9a-f]* matmul_add_relu' perf-*.map || complain "no map of the code for perf"
}

# What changes on a terminal takes one row of it; the last line is whole.
case_terminal() {
  command -v script > /dev/null || { echo 'skipped: script is not installed'; exit 77; }
  printf '#!/bin/sh\nstty cols 40\nexec "%s" train --epochs 3\n' "$crease" > narrow
  chmod +x narrow
  TERM=xterm script -qec ./narrow /dev/null > typed
  tr '\r' '\n' < typed | sed 's/\x1b\[K//g' | grep 'epoch' > rows
  [[ $(grep -cE '^.{40}' rows) == 1 ]] || complain "rows are wider than the terminal: $(cat rows)"
  tail -n 1 rows | grep -q '^epoch 3/3 .* samples/s' || complain "the last line is not whole: $(cat rows)"
  TERM=dumb script -qec ./narrow /dev/null > typed
  if grep -q $'\x1b' typed; then complain "draws on a terminal that cannot erase: $(cat -v typed)"; fi
  grep -q '^epoch 2/3 .* samples/s' typed || complain "no line for epoch 2: $(cat typed)"
}

case_doctor() {
  gives 0 'native code     works' doctor
}

# shellcheck source=data.sh
source "$here/data.sh"
# shellcheck source=saving.sh
source "$here/saving.sh"
"case_$2"
