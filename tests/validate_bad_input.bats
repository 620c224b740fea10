# Bad input to bin/validate, case by case: one line on stderr that begins with "validate", names the place and what to
# do, status 2 or 3, and nothing in the place of the result. Each row: status, words of the message, then the command line.
load validate_fixture

setup_file() {
    train_tiny
}

setup() {
    use_tiny
}

# refuses STATUS WORDS ARGUMENT...: WORDS is a pattern of [[ == ]].
refuses() {
    local wanted=$1 words=$2
    shift 2
    run --separate-stderr "$VALIDATE" "$@"
    printf '%s\n' "$*" "status $status: $stderr"
    [ "$status" -eq "$wanted" ] && one_line "$stderr" && [[ $stderr == "validate"*$words* ]] &&
        says_what_to_do "$stderr"
}

says_what_to_do() {
    [[ $1 == *';'* || $1 == *'did you mean'* || $1 == *'must be'* || $1 == *' takes '* || $1 == *' is outside '* ]]
}

@test "command line of sis" {
    refuses 2 "no model; name a run directory" sis
    refuses 2 "give --cfg and --weights" sis --cfg x.cfg --out out
    refuses 2 "did you mean --per-step" sis $RUN --per-stp 3
    for t in 0 1 1.5 -0.1 nan 0.5, ,0.5 '' 0.5x; do
        refuses 2 "--threshold" sis $RUN --out out --threshold "$t"
    done
    refuses 2 "0.9 is given twice" sis $RUN --out out --threshold 0.9,0.5,0.9
    refuses 2 "more than 16 numbers" sis $RUN --out out --threshold "$(seq -s, 0.01 0.01 0.17)"
    refuses 2 "--per-step 0" sis $RUN --out out -k 0
    refuses 2 "--candidates 0" sis $RUN --out out --candidates 0
    for s in 4/3 0/3 1/0 1 /3 1/ -1/3 a/b 1/3/4; do
        refuses 2 "--shard $s" sis $RUN --out out --shard "$s"
    done
    refuses 2 "--shard 5/7: has none of the 3 images" sis $RUN --out out --images 3 --shard 5/7
    refuses 2 "--method" sis $RUN --out out -m exact
    refuses 2 "--baseline" sis $RUN --out out -b white
    for t in 4 -1 none 1.0; do
        refuses 2 "--target $t" sis $RUN --out out --target "$t"
    done
    refuses 2 "contradict" sis $RUN --out out --resume --overwrite
    [ ! -e out ]
}

@test "images that are not there" {
    refuses 2 "must be from 1 to 96" sis $RUN --out out --images 97
    refuses 2 "must be from 1 to 96" sis $RUN --out out --images 0
    refuses 2 "there is no image 96; the split has images 0 to 95" sis $RUN --out out --images 1,96
    refuses 2 "there is no image 200" sis $RUN --out out --images 90-200
    refuses 2 "neither a number nor a range" sis $RUN --out out --images 9-7
    refuses 2 "neither a number nor a range" sis $RUN --out out --images 1,x
    refuses 2 "99999999999999999999" sis $RUN --out out --images 1,99999999999999999999
    refuses 2 "image 7 is named twice" sis $RUN --out out --images 5-8,7
    refuses 2 "the list is empty" sis $RUN --out out --images ,
    refuses 3 "nothing.txt" sis $RUN --out out --images @nothing.txt
    printf '1\n\0002\n' >binary.txt
    refuses 2 "is no text" sis $RUN --out out --images @binary.txt
    [ ! -e out ]
}

@test "no run, an unfinished run, weights that are not its own" {
    refuses 2 "nowhere: is no run directory of train" sis nowhere --out out
    mkdir empty
    refuses 2 "empty: is no run directory" model empty --out out --policy "$BATS_TEST_DIRNAME/../cfg/release.conf"
    cp -r $RUN damaged
    printf x | dd of=damaged/final.weights bs=1 seek=200 conv=notrunc status=none
    refuses 3 "damaged/final.weights: is not the file that damaged/manifest.json tells of" sis damaged --out out
    cp -r $RUN unfinished
    rm unfinished/final.weights
    refuses 3 "this run is not finished" sis unfinished --out out
    cp -r $RUN torn
    echo '{' >torn/manifest.json
    refuses 3 "torn/manifest.json" sis torn --out out
    rm -r torn/manifest.json && mkdir torn/manifest.json
    refuses 3 "torn/manifest.json" sis torn --out out
    [ ! -e out ]
}

@test "weights that do not fit the cfg" {
    head -c 1000 $RUN/final.weights >short.weights
    refuses 2 "short.weights" sis $RUN --weights short.weights --out out
    { cat $RUN/final.weights; echo; } >long.weights
    refuses 2 "long.weights" sis $RUN --weights long.weights --out out
    : >empty.weights
    refuses 2 "empty.weights" sis $RUN --weights empty.weights --out out
    refuses 3 "nothing.weights" sis $RUN --weights nothing.weights --out out
    refuses 3 "nothing.cfg" sis $RUN --cfg nothing.cfg --out out
    sed 's/^output=4/output=5/' tiny.cfg >five.cfg
    "$TRAIN" tiny.cfg --batches 1 --out other --quiet >/dev/null
    refuses 2 "other/final.weights" sis --cfg five.cfg --weights other/final.weights --out out
    { head -c 200 $RUN/final.weights; printf '\0\0\300\177'; tail -c +205 $RUN/final.weights; } >nan.weights
    refuses 2 "nan.weights: number" sis $RUN --weights nan.weights --out out
    [ ! -e out ]
}

@test "data that are not those of the model" {
    sed -i 's/classes = 4/classes = 5/' tiny.conf
    refuses 2 "the model has 4 classes, but data set tiny has 5" sis $RUN --out out
    rm tiny.conf
    refuses 3 "tiny.conf" sis $RUN --out out
    [ ! -e out ]
}

@test "policies with errors, by line" {
    refuses 3 "nothing.conf" model $RUN --policy nothing.conf --out out
    make_policy '{ check = "accuracy"; at_lest = 0.5; }'
    refuses 2 "policy.conf:5: unknown key at_lest; did you mean at_least?" model $RUN --policy policy.conf --out out
    make_policy '{ check = "acuracy"; at_least = 0.5; }'
    refuses 2 "policy.conf:5: " model $RUN --policy policy.conf --out out
    make_policy '{ check = "accuracy"; at_least = 50; }'
    refuses 2 "policy.conf:5: at_least = 50 is outside 0..1" model $RUN --policy policy.conf --out out
    make_policy '{ check = "accuracy" at_least }'
    refuses 2 "policy.conf:5: " model $RUN --policy policy.conf --out out
    [ ! -e out ]
}

@test "waivers that waive nothing" {
    make_policy '{ check = "accuracy"; at_least = 0.5; }'
    refuses 2 "has no such check; did you mean accuracy?" model $RUN --policy policy.conf --out out --waive acuracy=x
    refuses 2 "a reason is missing" model $RUN --policy policy.conf --out out --waive accuracy
    refuses 2 "a reason is missing" model $RUN --policy policy.conf --out out --waive 'accuracy= '
    refuses 2 "--waive accuracy is given twice" model $RUN --policy policy.conf --out out --waive accuracy=a \
        --waive accuracy=b
    refuses 2 "has no such check" model $RUN --policy policy.conf --out out --waive accuracy.previous=x
    [ ! -e out ]
}

@test "a report of the last release that is none" {
    make_policy '{ check = "accuracy"; at_least = 0.5; }'
    "$VALIDATE" model $RUN --policy policy.conf --out last --quiet >/dev/null
    # words of the message, then a replacement in the report
    while IFS='|' read -r status words edit; do
        sed -E "$edit" last/report.json >edited.json
        ! cmp -s last/report.json edited.json
        refuses "$status" "$words" model $RUN --policy policy.conf --out out --previous edited.json
    done <<'END'
2|is no report of this program|s/"schema": "[^"]*"/"schema": "something-else"/
2|has version 2 of the report's schema, this program reads 1|s/"version": 1,/"version": 2,/
2|has version 0|s/"version": 1,/"version": "1",/
2|is a report on something else|s/"kind": "model"/"kind": "dataset"/
2|a check has no id|s/"id": "accuracy"/"id": 7/
2|check accuracy is damaged|s/"n": [0-9]+/"n": -1/
2|check accuracy is damaged|s/"value": 0[.][0-9]+/"value": "high"/
2|check accuracy is damaged|s/"unit": "share"/"unit": "furlong"/
2|check accuracy is damaged|s/"combine": "mean"/"combine": "mode"/
2|check accuracy is damaged|s/"sha256": "[0-9a-f]{64}",$/"sha256": "abc",/
2|has no checks|s/"checks": \[/"checks": 3, "chucks": [/
END
    head -c 500 last/report.json >torn.json
    refuses 3 "torn.json" model $RUN --policy policy.conf --out out --previous torn.json
    refuses 3 "nothing.json" model $RUN --policy policy.conf --out out --previous nothing.json
    refuses 3 "last" model $RUN --policy policy.conf --out out --previous last
    [ ! -e out ]
}

@test "directories that cannot be written, or hold something else" {
    : >file
    refuses 3 "file" sis $RUN --images 1 --out file/sis
    make_policy '{ check = "accuracy"; at_least = 0.5; }'
    refuses 3 "file" model $RUN --policy policy.conf --out file/validation
    "$VALIDATE" model $RUN --policy policy.conf --quiet >/dev/null
    refuses 2 "holds a report" model $RUN --policy policy.conf
    refuses 2 "contradict" model $RUN --policy policy.conf --resume --overwrite
    refuses 2 "contradict" model $RUN --policy policy.conf --quick --full
    "$VALIDATE" sis $RUN --images 2 --quiet >/dev/null
    refuses 2 "--resume" sis $RUN --images 2
    refuses 3 "/proc/" sis $RUN --images 1 --out /proc/nothing/sis
    refuses 3 "/proc/" model $RUN --policy policy.conf --out /proc/nothing/validation
}

# damage FILE: every part of a finished result is read and checked on resume.
@test "damaged results are refused on resume" {
    "$VALIDATE" sis $RUN --images 4 --out good --quiet >/dev/null
    for edit in 's/"image":2/"image":3/' 's/"target":[0-9]/"target":9/' 's/"size":\{/"size":{"x":1,/' '3d' '$s/}$//'; do
        rm -rf bad && cp -r good bad
        sed -i -E "$edit" bad/sis.jsonl
        ! cmp -s good/sis.jsonl bad/sis.jsonl
        refuses 3 "bad" sis $RUN --images 4 --out bad --resume
    done
    for offset in 100 2000 5000; do
        rm -rf bad && cp -r good bad
        printf '\377\376\375\374' | dd of=bad/masks.npz bs=1 seek=$offset conv=notrunc status=none
        refuses 3 "bad/masks.npz" sis $RUN --images 4 --out bad --resume
    done
    rm -rf bad && cp -r good bad
    truncate -s -10 bad/masks.npz
    refuses 3 "bad/masks.npz" sis $RUN --images 4 --out bad --resume
    rm -rf bad && cp -r good bad
    sed -i 's/"height": 16/"height": 1600000000/' bad/sis.json
    refuses 3 "bad/sis.json" sis $RUN --images 4 --out bad --resume
}

@test "a damaged record of an unfinished run is refused, not skipped" {
    has_records() {
        [ "$(stat -c %s run/sis.partial 2>/dev/null || echo 0)" -gt 20000 ]
    }
    stop_midway KILL run has_records "$VALIDATE" sis $RUN --images 48 -m backselect --out run --quiet
    printf '\377\376\375\374' | dd of=run/sis.partial bs=1 seek=2500 conv=notrunc status=none
    refuses 3 "run/sis.partial" sis $RUN --images 48 -m backselect --out run --resume
}

@test "shards that do not belong together" {
    for i in 1 2 3; do
        "$VALIDATE" sis $RUN --images 6 --shard $i/3 --out part$i --quiet >/dev/null
    done
    "$VALIDATE" sis $RUN --images 6 --shard 3/3 --out black3 --baseline black --quiet >/dev/null
    refuses 2 "too few arguments" merge out
    refuses 2 "part" merge out part1 part2
    refuses 2 "part1" merge out part1 part2 part1
    refuses 2 "baseline" merge out part1 part2 black3
    refuses 3 "nothing" merge out part1 part2 nothing
    "$TRAIN" tiny.cfg --batches 2 --out runs/other --quiet >/dev/null
    "$VALIDATE" sis runs/other --images 6 --shard 3/3 --out other3 --quiet >/dev/null
    refuses 2 "weights" merge out part1 part2 other3
    [ ! -e out/sis.jsonl ]
}

@test "a comparison of more images than there are" {
    "$TRAIN" tiny.cfg --epochs 1 --seed 4 --out runs/other --quiet --threads 1 >/dev/null
    refuses 2 "--images 97: not accepted; must be from 1 to 96" compare $RUN runs/other --images 97
    [ ! -e runs/other/against_tiny ]
}

@test "no pictures to judge by: a data set with one split" {
    mkdir -p folder
    for class in a b c d; do
        mkdir -p folder/train/$class
        { printf 'P6\n16 16\n255\n'; head -c 768 /dev/zero | tr '\0' "\\$((100 + $(printf %d "'$class") ))"; } >folder/train/$class/1.ppm
    done
    cat >folder.conf <<'END'
format = "folder"; name = "folder"; classes = 4; shape = [3, 16, 16]; directory = "folder";
mean = [0.5, 0.5, 0.5]; std = [0.25, 0.25, 0.25];
END
    sed s/tiny.conf/folder.conf/ tiny.cfg >folder.cfg
    for seed in 1 2; do
        "$TRAIN" folder.cfg --epochs 1 --seed $seed --out runs/folder$seed --quiet --threads 1 >/dev/null
    done
    refuses 2 "data set folder has no test images" model runs/folder1
    refuses 2 "data set folder has no test images" compare runs/folder1 runs/folder2
    refuses 2 "the data set has no images there" sis runs/folder1
    [ ! -e runs/folder1/validation ] && [ ! -e runs/folder2/against_folder1 ]
}
