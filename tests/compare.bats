# What bin/validate compare promises, on tiny trained models: one that has learnt a border signal, another seed of it, and
# one whose borders told it nothing.
load validate_fixture

# NAME.conf: planted pictures whose border tells the class in a share $2 of the training images and in 0.9 of the test's.
# $3: training images
make_set() {
    cat >"$1.conf" <<END
format = "planted"; name = "$1"; classes = ${4:-4}; shape = [3, 16, 16];
mean = [0.5, 0.5, 0.5]; std = [0.25, 0.25, 0.25];
n_train = $3; n_test = 200; seed = 5; border_width = 2; border_cue = $2; cue_in_test = 0.9;
END
}

# Trains runs/$1 on $2.conf for $3 epochs with seed $4.
train_on() {
    make_cfg "$1" epochs="$3" seed="$4" learning_rate=0.1 policy=cosine
    # what shapes need, and not what a border needs
    sed -i "s/tiny.conf/$2.conf/; /\[input_dropout\]/,+2d; /\[dropout\]/,+2d; /crop_pad/d; /flip/d" "$1.cfg"
    sed -i "s/filters=16/filters=24/" "$1.cfg"
    "$TRAIN" "$1.cfg" --quiet --threads 2 >/dev/null
}

setup_file() {
    TRAIN=$(realpath "${BIN:-bin}/train")
    ( # every test starts where this one does
        cd "$BATS_FILE_TMPDIR" || exit 1
        make_set bordered 0.9 512
        make_set plain 0.001 3000
        train_on bordered bordered 6 3
        train_on again bordered 6 4
        train_on plain plain 16 3
    )
}

setup() {
    use_own_directory
    cp -r "$BATS_FILE_TMPDIR"/{bordered.conf,plain.conf,runs} .
    make_policy '{ check = "border.share"; width = 2; threshold = 0.5; no_worse_than = 0.1; },
                 { check = "sis.size"; threshold = 0.5; no_worse_than = 0.25; },
                 { check = "rubbish"; }, { check = "mask.only"; fraction = 0.1; },
                 { check = "subset.sufficiency"; fraction = 0.1; }, { check = "shuffled.values"; fraction = 0.1; },
                 { check = "dilation"; threshold = 0.5; }, { check = "accuracy"; }, { check = "calibration"; }'
}

compare() {
    "$VALIDATE" compare "$@" --policy policy.conf --images ${PICTURES:-100} --threads 2 --quiet
}

# The change of question $2 in the report in $1.
change() {
    python3 -c 'import json, sys
r = json.load(open(sys.argv[1] + "/report.json"))
print(*["%.12g" % c["value"] for c in r["checks"] if c["id"] == sys.argv[2]])' "$1" "$2"
}

@test "a model that relies on the border less is better, the other way round it is worse" {
    run compare runs/bordered runs/plain --data .
    echo "$output"
    [ $status -eq 0 ]
    grep -q '^better *border.share@2,0.5 ' <<<"$output"
    [ -s runs/plain/against_bordered/compare.html ]
    run compare runs/plain runs/bordered --data . --out other
    echo "$output"
    [ $status -eq 1 ]
    grep -q '^worse *border.share@2,0.5 ' <<<"$output"
}

@test "another seed of the same training is not better, and nothing is claimed" {
    run compare runs/bordered runs/again --out out
    echo "$output"
    [ $status -eq 4 ]
    ! grep -q '^better' <<<"$output"
    sed -i 's/^name/require = "no_worse"; name/' policy.conf
    run compare runs/bordered runs/again --out asks-less
    [ $status -eq 0 ]
}

@test "every subset of every model is shown again, and the searches are ordinary results" {
    run compare runs/bordered runs/again --out out
    [ $status -eq 4 ]
    for model in A B; do
        [ "$(wc -l <out/$model/sis-margin-mean-predicted-100/sis.jsonl)" -eq 100 ]
    done
    grep -q '"former_policies": \[\]' out/report.json
    python3 - <<'END'
import json
models = json.load(open("out/report.json"))["provenance"]["models"]
assert [m["name"] for m in models] == ["bordered", "again"]
assert all(m["subsets_shown_again"] > 50 and len(m["weights"]["sha256"]) == 64 for m in models)
END
}

@test "with several candidates each is compared with the first, and intervals are wider" {
    compare runs/bordered runs/again --out two || [ $? -eq 4 ]
    run compare runs/bordered runs/again runs/plain --data . --out three
    echo "$output"
    [ $status -eq 4 ]
    grep -q '^better *border.share@2,0.5/C ' <<<"$output"
    [ "$(change two border.share@2,0.5)" = "$(change three border.share@2,0.5/B)" ]
    python3 - <<'END'
import json
def row(file, name):
    return next(c for c in json.load(open(file + "/report.json"))["checks"] if c["id"] == name)
a, b = row("two", "border.share@2,0.5"), row("three", "border.share@2,0.5/B")
assert b["low"] < a["low"] and a["high"] < b["high"], (a, b)
END
}

@test "an interrupted comparison goes on where it stopped and ends with the same numbers" {
    PICTURES=12
    compare runs/bordered runs/again --out whole || [ $? -eq 4 ]
    sed -i 's/per_step = 8/per_step = 1/; s/"gradient"/"backselect"/; s/per_step = 1; //' policy.conf
    compare runs/bordered runs/again --out exact || [ $? -eq 4 ]
    has_picture() {
        [ "$(stat -c %s out/B/sis-margin-mean-predicted-12/sis.partial 2>/dev/null || echo 0)" -gt 5000 ]
    }
    stop_midway TERM out has_picture "$VALIDATE" compare runs/bordered runs/again --policy policy.conf --images 12 \
        --threads 2 --quiet --out out
    cat err.txt
    one_line "$(cat err.txt)"
    grep -q '^validate: interrupted; continue with: .* --resume$' err.txt
    [ ! -e out/report.json ]
    run compare runs/bordered runs/again --out out
    [ $status -eq 2 ]
    status=0
    eval "$(sed 's/.*continue with: //' err.txt)" >/dev/null || status=$?
    [ $status -eq 4 ]
    for question in border.share@2,0.5 sis.size@0.5 rubbish accuracy; do
        [ -n "$(change out $question)" ]
        [ "$(change out $question)" = "$(change exact $question)" ]
    done
    [ "$(change out sis.size@0.5)" != "$(change whole sis.size@0.5)" ] || [ "$(change out border.share@2,0.5)" != \
        "$(change whole border.share@2,0.5)" ] # other searches, or nothing was compared
    for model in A B; do
        same_sis out/$model/sis-margin-mean-predicted-12 exact/$model/sis-margin-mean-predicted-12
    done
}

@test "another policy in the same directory is refused, or told of" {
    compare runs/bordered runs/again --out out || [ $? -eq 4 ]
    first=$(sha256sum policy.conf | cut -d' ' -f1)
    sed -i 's/no_worse_than = 0.1;/no_worse_than = 0.3;/' policy.conf
    run compare runs/bordered runs/again --out out
    [ $status -eq 2 ]
    one_line "$output"
    run compare runs/bordered runs/again --out out --resume
    echo "$output"
    [ $status -eq 2 ]
    one_line "$output"
    [[ $output == *"begun by another policy"* ]]
    compare runs/bordered runs/again --out out --overwrite || [ $? -eq 4 ]
    grep -q "\"former_policies\": \[\"$first\"\]\|\"$first\"" out/report.json
    grep -q 'Asked before' out/compare.html
    # of other models it says nothing
    compare runs/again runs/bordered --out out --overwrite || [ $? -eq 4 ]
    ! grep -q 'Asked before' out/compare.html
}

@test "with --overwrite nothing of a larger comparison is left" {
    compare runs/bordered runs/again runs/plain --data . --out out || [ $? -eq 4 ]
    [ -d out/C ]
    compare runs/bordered runs/again --out out --overwrite || [ $? -eq 4 ]
    [ ! -d out/C ]
}

# $1: what the one line must hold; then the command. Ends with 2.
refused() {
    local words=$1
    shift
    run compare "$@"
    echo "$output"
    [ $status -eq 2 ]
    one_line "$output"
    [[ $output == *"$words"* ]]
}

@test "models that do not belong together are refused" {
    refused 'needs two run directories' runs/bordered
    refused 'is the same model as' runs/bordered runs/bordered
    cp -r runs/bordered runs/copy
    refused 'is the same model as' runs/bordered runs/again runs/copy
    refused "shows all the first one's data set" runs/bordered runs/plain
    refused 'is no run directory of train' runs/bordered runs/nowhere
    make_set six 0.9 64 6
    make_cfg six epochs=1 seed=3 learning_rate=0.1 policy=cosine
    sed -i 's/tiny.conf/six.conf/; s/output=4/output=6/' six.cfg
    "$TRAIN" six.cfg --quiet --threads 2 >/dev/null
    refused 'has 6 classes, but' runs/bordered runs/six
    refused 'has 6 classes, but' runs/bordered runs/six --data .
    rm runs/again/final.weights
    run compare runs/bordered runs/again
    [ $status -eq 3 ]
    [[ $output == *"not finished"* ]]
    [ ! -e runs/again/against_bordered ]
}

@test "settings that contradict each other, and policies that are not for comparisons, are refused" {
    refused 'contradict' runs/bordered runs/again --resume --overwrite
    refused 'contradict' runs/bordered runs/again --quick --full
    cp policy.conf good.conf
    make_policy '{ check = "sis.size"; at_least = 0.1; }'
    refused 'policy.conf:5: unknown key at_least' runs/bordered runs/again
    make_policy '{ check = "border.accuracy"; no_worse_than = 0.1; }'
    refused 'policy.conf:5: unknown check border.accuracy; validate compare --list-checks' runs/bordered runs/again
    make_policy '{ check = "sis.size"; }'
    refused 'no question decides' runs/bordered runs/again
    make_policy '{ check = "accuracy"; no_worse_than = 0.1; }'
    refused 'no question that decides can show it' runs/bordered runs/again
    make_policy '{ check = "sis.size"; no_worse_than = -0.1; }'
    refused 'no_worse_than = -0.1 is outside 0..1' runs/bordered runs/again
    [ ! -e runs/again/against_bordered ]
}

@test "a question that cannot be asked is an error and no gain" {
    make_policy '{ check = "border.share"; width = 7; threshold = 0.5; no_worse_than = 0.1; },
                 { check = "sis.size"; threshold = 0.5; no_worse_than = 0.25; }'
    run compare runs/bordered runs/again --out out
    echo "$output"
    [ $status -eq 3 ]
    grep -q '^error *border.share@7,0.5' <<<"$output"
    grep -q 'covers more than half' out/report.json
}

@test "help lists the questions" {
    run "$VALIDATE" compare --help
    [ $status -eq 0 ]
    [[ $output == *"A B [C ...] [options]"* ]]
    run "$VALIDATE" compare --list-checks
    [ $status -eq 0 ]
    [ "$(wc -l <<<"$output")" -eq 9 ]
    run "$VALIDATE" --help
    grep -q '^  compare ' <<<"$output"
}
