# Cases of command.sh, which reads this file: data as a model knows its own, and numbers in their units.
# shellcheck shell=bash disable=SC2154  # crease and folder are set there

# Other data are measured as the model knows its own: labels by the names of classes, samples standardised alike.
case_other_data() {
  printf 'a,b,kind\n' > three.csv
  local i
  for i in {1..90}; do
    printf '%d,%d,%s\n' $((i % 3 * 9 + i % 7)) $((i * i % 5 - i % 3 * 4)) "$(printf 'pqr' | cut -c $((i % 3 + 1)))"
  done >> three.csv
  gives 0 'saved to three' train --data csv:three.csv --hidden 8 --epochs 100 --learning-rate 0.05 --save three
  gives 0 'accuracy 100.00 %' eval three --part train
  # Alone and in another order the same rows get other numbers from the reader.
  { head -1 three.csv; grep ',r$' three.csv; } > r.csv
  gives 0 'accuracy 100.00 %' eval three --data csv:r.csv --part train
  sed 's/,q$/,new/' three.csv > new.csv
  gives 1 "the model has no class 'new': its classes are p, q, r" eval three --data csv:new.csv
  # Five kinds of few rows look like numbers, and one class of three like another network: the model knows better.
  sed 's/p$/0/; s/q$/1/; s/r$/2/' three.csv > numbered.csv
  gives 0 'saved to numbered' train --data csv:numbered.csv --hidden 8 --epochs 100 --learning-rate 0.05 --save numbered
  { head -1 numbered.csv; grep ',2$' numbered.csv | head -1; grep ',1$' numbered.csv | head -3; } > few.csv
  gives 0 '3 samples, loss' eval numbered --data csv:few.csv --part train
  gives 0 'samples, loss' eval numbered --data csv:few.csv,target=classes --part train
}

# New samples, whose columns come in another order and without what is to be predicted.
case_predict() {
  printf 'a,b,kind\n' > kinds.csv
  local i
  for i in {1..90}; do
    printf '%d,%d,"%s"\n' $((i % 3 * 9 + i % 7)) $((i * i % 5 - i % 3 * 4)) "$(sed -n $((i % 3 + 1))p <<< $'p\nq, 2\nr')"
  done >> kinds.csv
  gives 0 'saved to kinds' train --data csv:kinds.csv --hidden 8 --epochs 100 --learning-rate 0.05 --save kinds
  gives 0 'csv:kinds.csv: 90 samples' eval kinds --part all
  "$crease" predict kinds --data csv:kinds.csv > table || complain 'cannot predict'
  [[ $(head -1 table) == 'prediction,p,"q, 2",r' ]] || complain "the header is $(head -1 table)"
  diff <(sed 's/"//g; s/q, 2/q/' kinds.csv | tail -n +2 | cut -d, -f3) <(sed 's/"q, 2"/q/' table | tail -n +2 | cut -d, -f1) ||
    complain 'not every row has its class'
  awk -F, 'NR == 1 { print "b,day,a" } NR > 1 { print $2 ",7," $1 }' kinds.csv > other.csv
  "$crease" predict kinds --data csv:other.csv --output other || complain 'cannot predict'
  cmp other table || complain 'the order of the columns counts'
  cut -d, -f1,2 kinds.csv | tail -n +2 > bare.csv
  "$crease" predict kinds --data csv:bare.csv --output bare || complain 'cannot predict'
  cmp bare table || complain 'without a header the columns are others'
  "$crease" predict kinds --data csv:bare.csv --output interpreted --interpret --probabilities || complain 'cannot predict'
  awk -F, 'NR > 1 && ($NF < 0 || $NF > 1) { exit 1 }' interpreted || complain 'a share of 1 is not between 0 and 1'
  # The same network behind another standardisation is another function of the data.
  awk -F, 'NR == 1 { print } NR > 1 { sub(/^[^,]*/, 4 * $1); print }' kinds.csv > scaled.csv
  gives 0 'saved to scaled' train --data csv:scaled.csv --hidden 8 --epochs 100 --learning-rate 0.05 --save scaled
  gives 1 'standardise their data differently' equivalent kinds scaled
  gives 0 'EQUIVALENT' equivalent kinds scaled --networks-only
  cut -d, -f1,3 kinds.csv > less.csv
  gives 1 "'less.csv' has no column 'b', which is wanted as a feature: its columns are a, kind" predict kinds --data csv:less.csv
  gives 1 'has 64 features: want 2, as measured' predict kinds --data digits
  gives 1 'nowhere' predict kinds --data csv:bare.csv --output nowhere/table
  printf 'x,y\n1,1.5\n2,2.5\n3,3.5\n4,4.5\n5,5.25\n6,6.5\n' > line.csv
  gives 0 'samples to train on, 1 to test with, of 1 features; predicts a number' train --data csv:line.csv --epochs 1 --save line
  gives 0 'prediction' predict line --data csv:line.csv
  [[ $(grep -cE '^-?[0-9.e-]+$' output) == 6 ]] || complain "not a number a row: $(cat output)"
  gives 1 'this network predicts a number, not classes' predict line --data csv:line.csv --probabilities
}

# Arrays whose labels do not reach the last class.
case_arrays() {
  command -v python3 > /dev/null || { echo 'skipped: python3 is not installed'; exit 77; }
  local classes
  for classes in 3 2; do
    mkdir "of$classes"
    python3 - "of$classes" "$classes" << 'END'
import struct, sys
folder, classes = sys.argv[1], int(sys.argv[2])
def save(name, kind, shape, data):
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}"
    header += ' ' * (63 - (10 + len(header)) % 64) + '\n'
    with open(f'{folder}/{name}.npy', 'wb') as file:
        file.write(b'\x93NUMPY\x01\x00' + struct.pack('<H', len(header)) + header.encode() + data)
rows = range(60)
save('x', '<f4', (60, 2), b''.join(struct.pack('<ff', i % classes, i / 60) for i in rows))
save('y', '<i8', (60,), b''.join(struct.pack('<q', i % classes) for i in rows))
END
  done
  gives 0 'saved to model' train --data npy:of3 --hidden 8 --epochs 60 --learning-rate 0.05 --save model
  gives 0 'accuracy 100.00 %' eval model --data npy:of2
  gives 0 'saved to less' train --data npy:of2 --hidden 8 --epochs 1 --save less
  gives 1 'the network has 2 logits but the data 3 classes' eval less --data npy:of3
}

# A box in the numbers of the table, by the names of its columns.
case_column_box() {
  printf 'age,income,rate=x,y\n' > table.csv
  local i
  for i in {1..60}; do printf '%d,%d,%d.25,%d\n' $((20 + i % 40)) $((1000 * (i * i % 90))) $((i % 7)) $((i % 2)); done >> table.csv
  gives 0 'saved to model' train --data csv:table.csv --hidden 4 --epochs 2 --save model
  gives 0 "BOX           'age' is from 20 to 60 in the table, from -" inspect model --box age=20,60 --box income=0,1e5 --box -1,1
  grep -qF "every other column is from -1 to 1 as the network gets it, standardised" output || complain "$(cat output)"
  gives 0 'every other column can be anything' inspect model --box 'rate=x=[0, 5.5]'
  gives 0 "'rate=x' is from 0 to 5.5 in the table" inspect model --box rate=x=0,5.5 --json
  gives 0 "'rate=x' is from 0 to 5.5 in the table" inspect model --box rate=x=0,5.5 --html
  gives 0 'every input is from 0 to 1 as the network gets it, standardised' inspect model --box 0,1
  gives 1 'its columns are age, income, rate=x; did you mean income?' inspect model --box incom=0,1
  gives 1 "got 'age=60,20', want NAME=LOW,HIGH with numbers LOW <= HIGH, such as age=20,60" inspect model --box age=60,20
  gives 1 "want NAME=LOW,HIGH" inspect model --box age=20
  gives 1 "'age' is given twice" inspect model --box age=20,60 --box age=30,40
  gives 1 'for every input twice' inspect model --box 0,1 --box 0,2
  gives 0 'with certificate.json' simplify model --box age=20,60 --box income=0,1e5 --box rate=x=0,7 -o smaller
  grep -qF "the box: 'age' is from 20 to 60 in the table" output || complain "$(cat output)"
  if grep -qF 'every other' output; then complain 'all columns have a range'; fi
  gives 0 'accepted' check smaller/certificate.json model smaller
  gives 0 'on the box age=20,60 0,1: proved' balance model -o half --range fp16 --box age=20,60 --box 0,1
  "$crease" train --epochs 1 --hidden 4 --save digits > output || complain 'cannot train'
  gives 1 'no names of columns, which come from a table with a header' inspect digits --box age=20,60
}

# An ONNX file takes the place of a folder everywhere, and becomes one.
case_onnx() {
  local models=$here/../frontends/onnx/models
  gives 0 'RESCALING' inspect "$models/dense.traced.onnx"
  gives 0 'input x f32[samples, 6]' convert "$models/dense.traced.onnx" -o dense
  gives 0 'output y f32[batch, 3]' convert "$models/image.captured.onnx" -o image --classes cat,dog,cow
  gives 1 '2 names for outputs [batch, 3]' convert "$models/image.captured.onnx" -o other --classes cat,dog
  gives 0 'output y f32[3, 3]' convert "$models/image.captured.onnx" -o fixed --as-exported
  gives 0 'output y f32[5, 4]' convert "$models/dense.traced.onnx" -o five --size samples=5
  gives 1 "no dimension is named 'n'; there are: samples" convert "$models/dense.traced.onnx" -o other --size n=5
  gives 1 "--size: got 'samples'" convert "$models/dense.traced.onnx" -o other --size samples
  gives 0 'output /2/Relu_output_0 f32[samples, 4, 14, 14]' convert "$models/image.traced.onnx" -o conv \
    --outputs /2/Relu_output_0
  gives 1 'dense exists already' convert "$models/dense.traced.onnx" -o dense
  gives 1 "'dense' to 'other': want an ONNX file" convert dense -o other
  gives 1 'are for the reading of an ONNX file' convert dense -o other.onnx --outputs y
  { echo 'a,b,c'; for ((i = 0; i < 40; ++i)); do echo "$i,$((i % 7)),$((i % 2 ? 1 : 0))"; done; } > labels.csv
  printf 'a,b,c,d,e,f\n1,2,3,4,5,6\n0,0,0,0,0,0\n' > rows.csv
  gives 0 'output0,output1,output2,output3' predict "$models/dense.traced.onnx" --data csv:rows.csv
  [[ $(wc -l < output) == 3 ]] || complain "predict wrote $(wc -l < output) lines, want 3"
  "$crease" predict dense --data csv:rows.csv | cmp - output
  # Images that come as rows fit a network that wants images.
  { seq -s, -f 'p%g' 1 196; seq -s, 1 196; } > image.csv
  gives 0 'output0,output1,output2' predict "$models/image.traced.onnx" --data csv:image.csv
  gives 0 'outputs bit-identical' balance "$models/dense.traced.onnx" -o balanced
  gives 0 'EQUIVALENT' equivalent "$models/dense.traced.onnx" balanced
  # And back: what was made smaller goes to whoever runs it.
  gives 0 'output y f32[samples, 4]' convert balanced -o balanced.onnx
  gives 1 'balanced.onnx exists already' convert balanced -o balanced.onnx
  "$crease" train --data csv:labels.csv --epochs 1 --hidden 2 --save trained > /dev/null
  gives 0 'its samples are standardised' convert trained -o trained.onnx
  gives 0 'EQUIVALENT' equivalent trained.onnx trained --networks-only
  gives 0 'kernel' dump "$models/image.traced.onnx" --kernels
  gives 0 'takes the number of samples that it was exported for' inspect "$models/recurrent.captured.onnx"
  head -c 1000 "$models/image.traced.onnx" > cut.onnx
  gives 1 'crease: [onnx] cut.onnx: it is no ONNX file, or it is cut off' inspect cut.onnx
  gives 1 "cannot open 'none.onnx'" inspect none.onnx
  [[ ! -e other && ! -e other.onnx ]] || complain 'a refused conversion left something'
}
