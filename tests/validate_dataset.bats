# What `validate dataset` promises to its user: verdicts, bad input, suspects, copies.
load train_fixture

bats_require_minimum_version 1.5.0

setup() {
    use_own_directory
    cat >policy.conf <<'END2'
name = "test";
checks = (
    { check = "integrity"; at_most = 0.0; },
    { check = "class.balance"; at_least = 0.5; },
    { check = "duplicates.across"; at_most = 0.1; },
    { check = "duplicates.labels"; at_most = 0.001; },
    { check = "border.sufficiency"; width = 2; at_most = 0.1; quick = 400; }
);
END2
}

dataset() {
    "$VALIDATE" dataset "$@" --quiet --threads 2
}

# planted.conf: 4 classes of 16 x 16. $1: the border cue
make_planted() {
    cat >planted.conf <<END2
format = "planted"; name = "planted"; classes = 4; shape = [3, 16, 16];
mean = [0.5, 0.5, 0.5]; std = [0.25, 0.25, 0.25];
n_train = ${2:-400}; n_test = 96; seed = 5; border_width = 2; border_cue = $1;
END2
}

# picture FILE R G B [SIDE]: a picture with a diagonal, so that it is not blank.
picture() {
    mkdir -p "$(dirname "$1")"
    LC_ALL=C awk -v r="$2" -v g="$3" -v b="$4" -v side="${5:-16}" 'BEGIN {
        printf "P6 %d %d 255\n", side, side
        for (y = 0; y < side; y++)
            for (x = 0; x < side; x++)
                printf "%c%c%c", x == y ? 0 : r, x == y ? 0 : g, x == y ? 0 : b
    }' >"$1"
}

# Class folders a and b with four training and two test pictures each.
make_folders() {
    for i in 1 2 3 4; do
        picture photos/train/a/$i.ppm $((i * 20)) 0 0
        picture photos/train/b/$i.ppm 0 $((i * 20)) 0
    done
    for i in 5 6; do
        picture photos/val/a/$i.ppm $((i * 20)) 0 0
        picture photos/val/b/$i.ppm 0 $((i * 20)) 0
    done
}

only_integrity() {
    printf 'name = "i"; checks = ({ check = "integrity"; at_most = 0.0; });\n' >policy.conf
}

@test "a clean set passes, a planted border fails, and the copy without it is clean" {
    make_planted 0.0
    run --separate-stderr dataset planted.conf --policy policy.conf
    echo "$output"
    [ $status -eq 0 ]
    [ -z "$stderr" ]
    grep -q 'Safe to learn from: yes' <<<"$output"
    for file in html json md xml; do [ -s validation/planted/report.$file ]; done
    grep -q '"kind": "dataset"' validation/planted/report.json

    make_planted 0.9
    run --separate-stderr dataset planted.conf --policy policy.conf --out leaks
    echo "$output"
    [ $status -eq 1 ]
    grep -qE '^fail +border.sufficiency@2 ' <<<"$output"
    grep -q 'Safe to learn from: no' <<<"$output"
    grep -q -- '--fix crop-border:2 --out planted-cropped' leaks/report.md

    for fix in crop-border:2 randomize-border:2; do
        run --separate-stderr dataset planted.conf --fix $fix --out "copy $fix"
        echo "$output$stderr"
        [ $status -eq 0 ]
        grep -q '496 pictures written, 0 left out' <<<"$output"
        sed 's/width = 2/width = 1/' policy.conf >narrow.conf
        run --separate-stderr dataset "copy $fix/dataset.conf" --policy narrow.conf --out "clean $fix"
        echo "$output$stderr"
        [ $status -eq 0 ]
    done
}

# What the networks in report $1 have right: "border 0.885..." and so on, one on a line.
networks() {
    sed -n '/"networks": \[/,/\]/{ /"view":/{ s/.*: "\(.*\)",/\1/; h; }; /"value":/{ s/.*: \(.*\),/\1/; H; x; s/\n/ /p; }; }' "$1"
}

# The same from the runs below directory $1.
trained() {
    for view in border center random; do
        echo "$view $(sed -n 's/.*"test_accuracy": \(.*\),.*/\1/p' "$1/$view/manifest.json" | head -n 1)"
    done
}

@test "with --full networks learn from ring, centre and random pixels, and stand in the report" {
    printf 'name = "t"; checks = ({ check = "border.sufficiency"; width = 2; at_most = 0.1; });\n' >ring.conf
    make_planted 0.9 256
    run --separate-stderr dataset planted.conf --policy ring.conf --full
    echo "$output$stderr"
    [ $status -eq 1 ]
    networks validation/planted/report.json | tee told
    [ "$(wc -l <told)" -eq 3 ]
    diff told <(trained validation/planted/border_2)
    # 0.925 is right of who reads the frame, 0.25 of who guesses
    awk '{ right[$1] = $2 } END { exit !(right["border"] > 0.7 && right["border"] > right["center"] + 0.2) }' told
    grep -A2 '"network_ring_minus_centre"' validation/planted/report.json | grep -q '"low": 0\.'
    grep -q 'A network trained on the ring alone names' validation/planted/report.md
    for view in border:2 center:0.4375 random:0.4375; do # 112 of 256 pixels each
        grep -qx "view=$view" "validation/planted/border_2/${view%%:*}/resolved.cfg"
    done

    sha256sum validation/planted/border_2/*/checkpoint.bin >before
    run dataset planted.conf --policy ring.conf --full --overwrite # finished networks are taken as they are
    [ $status -eq 1 ]
    sha256sum -c --quiet before
    diff told <(networks validation/planted/report.json)
}

@test "with --full a border that says nothing is cleared, by the network of --cfg on this set" {
    printf 'name = "t"; checks = ({ check = "border.sufficiency"; width = 2; at_most = 0.1; });\n' >ring.conf
    make_planted 0.0
    sed -i 's/n_test = 96/n_test = 400/' planted.conf
    make_cfg mine epochs=4 seed=3 learning_rate=0.05 policy=cosine # for tiny.conf, which is not there
    run --separate-stderr dataset planted.conf --policy ring.conf --full --cfg mine.cfg
    echo "$output$stderr"
    [ $status -eq 0 ]
    networks validation/planted/report.json | tee told
    diff told <(trained validation/planted/border_2)
    awk '$1 == "border" { exit !($2 < 0.4) }' told
    grep -qx 'epochs=4' validation/planted/border_2/border/resolved.cfg

    run dataset planted.conf --policy ring.conf --out quick --cfg mine.cfg # none without --full
    [ $status -eq 0 ]
    [ ! -e quick/border_2 ]
    run ! grep -q '"networks"' quick/report.json
}

@test "exit status: failed, undecided, could not run; a check that does not gate never decides" {
    make_planted 0.9
    printf 'name = "t"; checks = ({ check = "border.sufficiency"; width = 2; at_most = %s; quick = 400; %s});\n' \
        0.05 '' >fails.conf
    run dataset planted.conf --policy fails.conf --out a
    [ $status -eq 1 ]
    sed 's/};*)/gates = false; })/' fails.conf >shown.conf
    run dataset planted.conf --policy shown.conf --out b
    [ $status -eq 0 ]
    grep -q 'not judged' <<<"$output"
    value=$(sed -n 's/.*"value": \(0[.0-9]*\),.*/\1/p' a/report.json | head -n 1)
    sed "s/0.05/$value/" fails.conf >open.conf
    run dataset planted.conf --policy open.conf --out c
    echo "$output"
    [ $status -eq 4 ]
    grep -q 'not shown' <<<"$output"
    sed 's/width = 2/width = 8/' fails.conf >wide.conf # a ring that leaves no centre
    run dataset planted.conf --policy wide.conf --out d
    echo "$output"
    [ $status -eq 3 ]
    grep -q 'not known' <<<"$output"
}

@test "a waiver is recorded; an unknown one is refused" {
    make_planted 0.9
    run dataset planted.conf --policy policy.conf --out a --waive border.sufficiency@2='a frame by design'
    echo "$output"
    [ $status -eq 0 ]
    grep -q '^waived' <<<"$output"
    grep -q 'a frame by design' a/report.html
    run dataset planted.conf --policy policy.conf --out b --waive border.sufficiency=x
    [ $status -eq 2 ]
    grep -q 'did you mean border.sufficiency@2' <<<"$output"
    [ ! -e b ]
}

@test "the same command gives the same report but for time and date, with any number of threads" {
    make_planted 0.9
    for threads in 1 2 5; do
        run "$VALIDATE" dataset planted.conf --policy policy.conf --out r$threads --quiet --threads $threads
        [ $status -eq 1 ]
        sed -E '/"(date|wall_seconds|threads)":/d; /"command": \[/,/\]/d; /NEXT|r[0-9]/d' r$threads/report.json >t$threads
    done
    cmp t1 t2
    cmp t1 t5
}

@test "a new version of the data is compared with the last report" {
    make_planted 0.0
    dataset planted.conf --policy policy.conf --out old
    make_planted 0.9
    run dataset planted.conf --policy policy.conf --out new --previous old/report.json
    [ $status -eq 1 ]
    grep -qE '^fail +border.sufficiency@2.previous' <<<"$output"
    run dataset planted.conf --policy policy.conf --out newer --previous nothing.json
    [ $status -eq 3 ]
    sed 's/"dataset"/"model"/' old/report.json >model.json
    run dataset planted.conf --policy policy.conf --out newer --previous model.json
    [ $status -eq 2 ]
    grep -q 'validate dataset has written' <<<"$output"
}

@test "a report is neither overwritten nor continued unasked, and --resume and --overwrite do it" {
    make_planted 0.0
    dataset planted.conf --policy policy.conf
    run dataset planted.conf --policy policy.conf
    [ $status -eq 2 ]
    grep -q -- '--overwrite replaces' <<<"$output"
    dataset planted.conf --policy policy.conf --overwrite
    dataset planted.conf --policy policy.conf --resume
}

@test "who interrupts it is told how to go on, and that works" {
    make_planted 0.9 20000
    stop_midway INT 'a b' '[ -d "a b" ]' \
        "$VALIDATE" dataset planted.conf --policy policy.conf --quiet --threads 1 --out 'a b'
    cat err.txt
    one_line "$(cat err.txt)"
    [ ! -e 'a b/report.json' ]
    make_planted 0.9
    command=$(sed 's/.*continue with: //' err.txt)
    [[ $command == *--resume ]]
    status=0
    eval "$command" || status=$?
    [ $status -eq 1 ]
    [ -s 'a b/report.json' ]
}

@test "pictures that cannot be used fail integrity, are listed, and train reads the list" {
    make_folders
    printf 'no picture' >photos/train/a/2.ppm
    head -c 100 photos/train/b/3.ppm >cut && mv cut photos/train/b/3.ppm
    only_integrity
    run --separate-stderr dataset photos --policy policy.conf --out r --export-suspects list.txt
    echo "$output$stderr"
    [ $status -eq 1 ]
    cat list.txt
    [ "$(wc -l <list.txt)" -eq 2 ]
    grep -q "^$PWD/photos/train/a/2.ppm	0$" list.txt
    grep -q "^$PWD/photos/train/b/3.ppm	1$" list.txt
    grep -q 'photos/train/a/2.ppm' r/report.html
    run dataset photos --policy policy.conf --out r2 --export-suspects list.txt
    [ $status -eq 2 ]
    [ ! -e r2 ]

    mkdir listed
    printf '%s\t0\n' "$PWD/photos/train/a/1.ppm" | cat list.txt - >listed/train.list
    printf '%s\n' 'format = "list"; name = "listed"; directory = "listed"; classes = 2; shape = [3, 16, 16];' \
        'mean = [0.5, 0.5, 0.5]; std = [0.25, 0.25, 0.25];' >listed.conf
    run dataset listed.conf --policy policy.conf --out r3
    [ $status -eq 1 ]
    grep -qE 'integrity +66\.7%' <<<"$output"
}

@test "names with line breaks and shell characters do no harm" {
    make_folders
    strange=$'photos/train/a/x\ny $(touch harm) `touch harm` ;&|\'".ppm'
    printf 'no picture' >"$strange"
    printf 'no picture' >'photos/train/b/ $(touch harm) .ppm'
    only_integrity
    run --separate-stderr dataset photos --policy policy.conf --out 'r $(touch harm)' --export-suspects list.txt
    echo "$output$stderr"
    [ $status -eq 1 ]
    [ ! -e harm ]
    [ "$(wc -l <list.txt)" -eq 1 ]
    grep -q '1 more cannot stand in a list' <<<"$output"
    run --separate-stderr dataset photos --fix crop-border:1 --out 'c $(touch harm)'
    [ $status -eq 0 ]
    grep -q '12 pictures written, 2 left out' <<<"$output"
    [ ! -e harm ]
}

# refuses STATUS WORDS ARGUMENT...
refuses() {
    local wanted=$1 words=$2
    shift 2
    run --separate-stderr dataset "$@"
    printf '%s\n' "$*" "status $status: $stderr"
    [[ $status == $wanted ]] && one_line "$stderr" && [[ $stderr == "validate"*$words* ]]
}

@test "command line" {
    make_planted 0.0
    refuses 2 "no data set; name a descriptor" --out out
    refuses 3 "nothing.conf" nothing.conf --policy policy.conf --out out
    refuses 2 "did you mean --policy" planted.conf --polcy x
    refuses 3 "no.conf" planted.conf --policy no.conf --out out
    refuses 2 "contradict" planted.conf --quick --full --out out
    refuses 2 "contradict" planted.conf --resume --overwrite --out out
    refuses 2 "--baseline belongs to --view" planted.conf --baseline black --out out
    refuses 2 "--masks is given 3 times" planted.conf --masks a --masks b --masks c --out out
    refuses 3 "a/sis.json" planted.conf --policy policy.conf --masks a --out out
    for view in 'border:0' 'border:8' 'center:0' 'center:1' 'random:nan' 'ring:1' 'ring:1@9' 'masks:none.npz' 'x'; do
        refuses '[23]' "" planted.conf --policy policy.conf --view "$view" --out out
    done
    printf 'name = "t"; checks = ({ check = "accuracy"; });\n' >model.conf
    refuses 2 "unknown check accuracy" planted.conf --policy model.conf --out out
    for fix in crop-border crop-border:0 crop-border:x blur:2; do
        refuses 2 "--fix $fix" planted.conf --fix "$fix" --out out
    done
    refuses 2 "add --out DIR" planted.conf --fix crop-border:1
    refuses 2 "has no use for --full" planted.conf --fix crop-border:1 --full --out out
    refuses 2 "take at most 7" planted.conf --fix crop-border:8 --out out
    [ ! -e out ]
}

@test "folders that are no data set" {
    mkdir empty
    refuses '[23]' "empty" empty --policy policy.conf --out out
    mkdir -p hollow/train/a hollow/train/b
    refuses '[23]' "hollow" hollow --policy policy.conf --out out
    mkdir -p loop/train
    ln -s ../../loop/train loop/train/a
    refuses '[23]' "loop" loop --policy policy.conf --out out
    ln -s self self
    refuses '[23]' "self" self --policy policy.conf --out out
    if [ "$(id -u)" -ne 0 ]; then
        make_folders
        chmod 000 photos/train/b
        refuses 3 "photos/train/b" photos --policy policy.conf --out out
        chmod 700 photos/train/b
    fi
    [ ! -e out ]
}

@test "one class, one image, and images of every size and kind get a report" {
    only_integrity
    picture one/train/a/1.ppm 200 0 0
    run dataset one --policy policy.conf --out r1
    echo "$output"
    [ $status -eq 0 ]
    make_folders
    printf 'P6 1 1 255\n\1\2\3' >photos/train/a/point.ppm
    printf 'P6 30000 30000 255\n' >photos/train/a/huge.ppm
    cp "$BATS_TEST_DIRNAME/data/pattern.jpg" photos/train/b/
    run dataset photos --policy policy.conf --out r2
    echo "$output"
    [ $status -eq 1 ]
    grep -q 'huge.ppm' r2/report.html
    cp policy.conf all.conf
    for set in one photos; do
        run dataset $set --out all-$set --policy "$BATS_TEST_DIRNAME/../cfg/dataset.conf"
        echo "$output"
        [[ $status == [134] ]]
        [ -s all-$set/report.html ]
    done
}

@test "ten thousand and one classes" {
    python=$(for p in python3 /usr/bin/python3; do "$p" -c '' 2>/dev/null && echo "$p" && break; done)
    [ -n "$python" ] || skip "no Python"
    "$python" - <<'END2'
import os
for k in range(10001):
    os.makedirs(f"many/train/c{k:05d}")
    with open(f"many/train/c{k:05d}/1.pgm", "wb") as f:
        f.write(b"P5 4 4 255\n" + bytes((k * 7 + i * 5) % 251 for i in range(16)))
END2
    only_integrity
    run dataset many --policy policy.conf --out r
    echo "$output"
    [ $status -eq 0 ]
    run dataset many --fix crop-border:1 --out copy
    echo "$output"
    [ $status -eq 0 ]
    grep -q '10001 pictures written' <<<"$output"
}

@test "the checks can be listed without a data set" {
    run dataset --list-checks
    [ $status -eq 0 ]
    [ "${#lines[@]}" -ge 10 ]
    grep -q '^border.sufficiency .*\[width\]' <<<"$output"
}
