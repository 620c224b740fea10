# What bin/validate promises to its user.
load validate_fixture

setup_file() {
    train_tiny
}

setup() {
    use_tiny
}

sis() {
    "$VALIDATE" sis "$@" --quiet --threads 2
}

model() {
    "$VALIDATE" model $RUN --policy policy.conf --quiet --threads 2 "$@"
}

# The long options in stdin, one per line.
option_names() {
    tr -d '\\' | grep -oE -- '(^|[ ",])--[a-z]+(-[a-z]+)*' | tr -d ' ",' | sort -u
}

@test "the man page names exactly the options of --help, of the program and of its commands" {
    for command in '' model dataset sis merge; do
        "$VALIDATE" $command --help
    done | grep -E '^ +(-[a-z], )?--' | option_names >help.txt
    grep -E '^\.BI? ' "$BATS_TEST_DIRNAME/../docs/man/marginalia-validate.1" | option_names >page.txt
    [ -s help.txt ]
    diff help.txt page.txt
}

@test "an unknown command is refused with a hint" {
    run --separate-stderr "$VALIDATE" modle $RUN
    [ $status -eq 2 ]
    [[ $stderr == "validate: modle: unknown command; did you mean model?" ]]
    run --separate-stderr "$VALIDATE"
    [ $status -eq 2 ]
    one_line "$stderr"
}

@test "sis writes what was asked, one line per image, and arrays" {
    run --separate-stderr sis $RUN --images 10
    [ $status -eq 0 ]
    [ -z "$stderr" ]
    grep -q '^tiny: 10 of the images of tiny test; gradient, ranked by margin, mean baseline$' <<<"$output"
    grep -qE '^shown to the model again: [1-9][0-9]* subsets, 0 below their threshold$' <<<"$output"
    [ "$(wc -l <$RUN/sis/sis.jsonl)" -eq 10 ]
    [ -s $RUN/sis/sis.json ]
    [ ! -e $RUN/sis/sis.partial ]
    grep -q "\"weights_sha256\": \"$(sha256sum <$RUN/final.weights | cut -d' ' -f1)\"" $RUN/sis/sis.json
    grep -q "\"cfg_sha256\": \"$(sha256sum <$RUN/resolved.cfg | cut -d' ' -f1)\"" $RUN/sis/sis.json
}

@test "NumPy opens the masks, and their sums are the sizes" {
    python=$(for p in python3 /usr/bin/python3; do "$p" -c 'import numpy' 2>/dev/null && echo "$p" && break; done)
    [ -n "$python" ] || skip "no NumPy"
    sis $RUN --images 10
    "$python" - $RUN/sis <<'END'
import json, sys, numpy as np
arrays = np.load(sys.argv[1] + "/masks.npz", allow_pickle=False)
lines = [json.loads(line) for line in open(sys.argv[1] + "/sis.jsonl")]
assert arrays["image"].tolist() == [line["image"] for line in lines] == list(range(10))
assert all(sorted(row) == list(range(256)) for row in arrays["order"].tolist())
for i, line in enumerate(lines):
    for t, size in enumerate(line["size"].values()):
        assert size is None or arrays["mask"][i, t].sum() == size, (i, t, size)
END
}

@test "neither threads nor the choice of other images change an image's line" {
    sis $RUN --images 0-5 --out a
    "$VALIDATE" sis $RUN --images 0-5 --out b --quiet --threads 1
    same_sis a b
    sis $RUN --images 3,40 --out c
    diff <(sed -n 4p a/sis.jsonl | sed 's/"order":[0-9]*//') <(sed -n 1p c/sis.jsonl | sed 's/"order":[0-9]*//')
}

@test "images are the first N, a list, or a list in a file" {
    sis $RUN --images 3 --out a
    sis $RUN --images 2,0-1 --out b
    printf '1\n0\n2\n' >list.txt
    sis $RUN --images @list.txt --out c
    same_sis a b
    same_sis a c
    sis $RUN --images 7-7 --out d
    grep -q '"image":7,' d/sis.jsonl
}

@test "shards merged are the bytes of the whole" {
    sis $RUN --images 11 --out whole
    for i in 1 2 3; do
        sis $RUN --images 11 --shard $i/3 --out part$i
    done
    run "$VALIDATE" merge merged part3 part1 part2
    [ $status -eq 0 ]
    same_sis whole merged
}

@test "a shard goes into a directory of its own" {
    sis $RUN --images 4 --shard 2/2
    [ -s $RUN/sis-2-of-2/sis.jsonl ]
}

@test "every method, rank, baseline and target finds subsets that suffice" {
    for options in '-m backselect' '-m screened --candidates 16' '-m gradient -k 1' '--rank probability' \
        '-b black' '-b blur' '-b noise' '-b image-mean' '-t true' '-t 2' '--split train' \
        '-m backselect --rank probability'; do
        run --separate-stderr sis $RUN --images 3 --threshold 0.3,0.5 --overwrite $options
        echo "$options: $status $output $stderr"
        [ $status -eq 0 ]
        grep -q ', 0 below their threshold' <<<"$output"
        [ "$(wc -l <$RUN/sis/sis.jsonl)" -eq 3 ]
    done
}

@test "the target decides whose evidence it is" {
    sis $RUN --images 3 -t 2
    [ "$(grep -c '"target":2,' $RUN/sis/sis.jsonl)" -eq 3 ]
}

@test "a collection has more subsets than one, the first of which is the one at the largest threshold" {
    for method in backselect gradient screened; do
        run sis $RUN --images 3 --threshold 0.4,0.5 --collection -m $method --out $method
        [ $status -eq 0 ]
        grep -q ', 0 below their threshold' <<<"$output"
        python3 - $method/sis.jsonl <<'END'
import json, sys
most = 0
for line in open(sys.argv[1]):
    r = json.loads(line)
    assert not r["collection"] or r["collection"][0] == r["size"]["0.5"], r
    assert all(n >= 1 for n in r["collection"]) and sum(r["collection"]) <= 256, r
    most = max(most, len(r["collection"]))
assert most >= 2, "never more than one subset"
END
    done
}

@test "cfg and weights do as well as a run" {
    sis $RUN --images 3 --out a
    sis --cfg $RUN/resolved.cfg --weights $RUN/final.weights --images 3 --out b
    cmp a/sis.jsonl b/sis.jsonl
    run --separate-stderr sis --cfg $RUN/resolved.cfg --weights $RUN/final.weights
    [ $status -eq 2 ]
    [[ $stderr == *"--out must say where results go"* ]]
}

@test "a result is neither overwritten nor continued unasked" {
    sis $RUN --images 3
    before=$(cat $RUN/sis/* | sha256sum)
    run --separate-stderr sis $RUN --images 3
    [ $status -eq 2 ]
    one_line "$stderr"
    [ "$(cat $RUN/sis/* | sha256sum)" = "$before" ]
    run sis $RUN --images 3 --resume
    [ $status -eq 0 ]
    [ "$(cat $RUN/sis/* | sha256sum)" = "$before" ]
    echo mine >$RUN/sis/notes.txt
    sis $RUN --images 2 --overwrite
    [ "$(wc -l <$RUN/sis/sis.jsonl)" -eq 2 ]
    [ "$(cat $RUN/sis/notes.txt)" = mine ]
}

@test "model prints a line per check, writes four files and exits by the verdict" {
    make_policy '{ check = "accuracy"; at_least = 0.5; }, { check = "sis.size"; threshold = 0.5; at_least = 0.0; }'
    run --separate-stderr model
    echo "$output $stderr"
    [ $status -eq 0 ]
    [ -z "$stderr" ]
    grep -qE '^pass +accuracy +[0-9]+.*at least 50%' <<<"$output"
    grep -qE '^pass +sis.size@0.5 ' <<<"$output"
    grep -q 'Overinterprets: no' <<<"$output"
    for f in report.json report.html report.md report.xml; do
        [ -s $RUN/validation/$f ]
    done
    grep -q '"exit_status": 0' $RUN/validation/report.json
    grep -q '"below_threshold": 0' $RUN/validation/report.json
    grep -q '"passed": true' $RUN/validation/report.json
    grep -q "\"sha256\": \"$(sha256sum <policy.conf | cut -d' ' -f1)\"" $RUN/validation/report.json
    grep -q 'See for yourself' $RUN/validation/report.html
}

# exits STATUS CHECK... [-- OPTION...]: a validation with these checks.
exits() {
    local wanted=$1 checks=$2
    shift 2
    make_policy "$checks"
    run --separate-stderr model --overwrite "$@"
    printf '%s\n' "$checks: status $status" "$output" "$stderr"
    [ "$status" -eq "$wanted" ] && grep -q "exit status $wanted:" <<<"$output"
}

@test "exit status: all pass, one fails, undecided, could not run; a check that does not gate never decides" {
    exits 0 '{ check = "accuracy"; at_least = 0.5; }'
    exits 1 '{ check = "accuracy"; at_least = 0.5; }, { check = "sis.size"; threshold = 0.5; at_least = 0.9; }'
    exits 4 '{ check = "accuracy"; at_least = 0.88; }'
    exits 3 '{ check = "accuracy"; at_least = 0.5; }, { check = "sis.size"; threshold = 0.999999; at_least = 0.1; }'
    grep -qE '^error +sis.size@0.999999 ' <<<"$output"
    exits 1 '{ check = "accuracy"; at_least = 0.999; }, { check = "sis.size"; threshold = 0.999999; at_least = 0.1; }'
    exits 0 '{ check = "accuracy"; at_least = 0.999; gates = false; }'
    exits 0 '{ check = "accuracy"; }'
}

@test "a waiver is recorded and shown, does not touch the number, and does not cover what could not run" {
    exits 0 '{ check = "accuracy"; at_least = 0.999; }' --waive 'accuracy=the customer knows'
    grep -q '^waived ' <<<"$output"
    grep -q '"unwaived": "fail"' $RUN/validation/report.json
    grep -q 'the customer knows' $RUN/validation/report.html
    exits 3 '{ check = "sis.size"; threshold = 0.999999; at_least = 0.1; }' --waive 'sis.size@0.999999=never mind'
    exits 0 '{ check = "accuracy"; at_least = 0.5; }' --waive 'accuracy=not needed'
    grep -q '^pass ' <<<"$output"
}

@test "the checks can be listed without a model" {
    run "$VALIDATE" model --list-checks
    [ $status -eq 0 ]
    grep -q '^accuracy ' <<<"$output"
    grep -q '^sis.size .*threshold' <<<"$output"
}

@test "quick takes the small samples, full the large ones" {
    make_policy '{ check = "sis.size"; threshold = 0.4; at_least = 0.0; }'
    model
    grep -q '"sample": 24,' $RUN/validation/report.json
    model --full --overwrite
    grep -q '"sample": 48,' $RUN/validation/report.json
}

@test "the same command gives the same report but for time and date" {
    make_policy '{ check = "accuracy"; at_least = 0.5; }, { check = "sis.size"; threshold = 0.5; at_least = 0.0; }'
    model
    cp $RUN/validation/report.json a.json
    model --overwrite
    diff <(timeless a.json) <(timeless $RUN/validation/report.json)
}

timeless() {
    grep -vE 'seconds"|"date"|"--overwrite"|"2",?$|"wall' "$1"
}

@test "the same model is no worse than itself, picture by picture" {
    checks='{ check = "accuracy"; at_least = 0.5; }, { check = "sis.size"; threshold = 0.5; at_least = 0.0; }'
    exits 0 "$checks" --out last
    exits 0 "$checks" --previous last/report.json
    grep -qE '^pass +accuracy.previous +.*0' <<<"$output"
    grep -qE '^pass +sis.size@0.5.previous ' <<<"$output"
    [ "$(grep -c '"same_pictures": true' $RUN/validation/report.json)" -eq 2 ]
}

@test "a worse model than the last release fails, and a waiver for that is possible" {
    checks='{ check = "accuracy"; at_least = 0.0; }'
    exits 0 "$checks" --out last
    "$TRAIN" tiny.cfg --batches 2 --out runs/worse --quiet --threads 2
    RUN=runs/worse
    exits 1 "$checks" --previous last/report.json
    grep -qE '^fail +accuracy.previous ' <<<"$output"
    exits 0 "$checks" --previous last/report.json --waive 'accuracy.previous=only a prototype'
}

@test "other pictures than the last release's are compared as independent, and the report says so" {
    checks='{ check = "sis.size"; threshold = 0.5; at_least = 0.0; }'
    exits 0 "$checks" --out last --seed 2
    exits 0 "$checks" --previous last/report.json
    grep -q '"same_pictures": false' $RUN/validation/report.json
    grep -q 'compared as independent' $RUN/validation/report.html
}

@test "a full standard output is an error" {
    [ -w /dev/full ] || skip "no /dev/full"
    run --separate-stderr bash -c '"$0" sis '$RUN' --images 2 --quiet >/dev/full' "$VALIDATE"
    [ $status -eq 3 ]
    [[ $stderr == "validate: standard output: "* ]]
}

@test "a search made in parts, on the pictures that validate model draws, is taken for its own" {
    make_policy '{ check = "sis.size"; threshold = 0.5; at_least = 0.0; }'
    model --out whole >/dev/null
    for i in 1 2; do
        sis $RUN --images sample:24 --shard $i/2 --threshold 0.4,0.5 --out part$i >/dev/null
    done
    "$VALIDATE" merge parts/sis-margin-mean-predicted-24 part1 part2 >/dev/null
    same_sis parts/sis-margin-mean-predicted-24 whole/sis-margin-mean-predicted-24
    touch -d '1 hour ago' parts/sis-*/*
    model --out parts --resume >/dev/null
    [ -z "$(find parts/sis-* -type f -mmin -30)" ] # not searched again
    diff <(grep -A12 '"kind": "sis.size"' whole/report.json) <(grep -A12 '"kind": "sis.size"' parts/report.json)
    run --separate-stderr sis $RUN --images sample:97
    [ $status -eq 2 ]
    [[ $stderr == *"from 1 to 96"* ]]
}
