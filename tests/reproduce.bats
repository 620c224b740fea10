# tools/reproduce: a study that goes on wherever it was left, and says what is missing.
load train_fixture

setup() {
    use_own_directory
    ROOT=$(realpath "$BATS_TEST_DIRNAME/..")
    REPRODUCE=$ROOT/tools/reproduce
    export BIN=$(dirname "$TRAIN")
case $BIN in
    */build/*) REAL_TOOLS=${BIN%/bin}/tools ;;
    *) REAL_TOOLS=$ROOT/build/release/tools ;;
    esac
    # what writes the page, in most cases: it only says that it was called
    mkdir tools
    printf '#!/bin/sh\nmkdir -p "$2" && touch "$2/results.md"\n' >tools/study_page
    chmod +x tools/study_page
    export TOOLS=$PWD/tools
    OUT=$PWD/study
}

reproduce() { # step...
    "$REPRODUCE" --tiny --out "$OUT" --threads 2 "$@" 3>&-
}

begin() { # step...; sets `study` to its process
    "$REPRODUCE" --tiny --out "$OUT" --threads 2 "$@" 2>err.txt 3>&- &
    study=$!
}

# The tiny training of seed $1 by hand, as if the study were in directory $2.
train_by_hand() {
    (cd "$ROOT" && "$TRAIN" tools/study/tiny.cfg --seed "$1" --out "$2" --threads 1 >/dev/null 2>&1)
}

@test "the steps are listed and nothing is written" {
    run --separate-stderr "$REPRODUCE" --tiny --out "$OUT" --list
    [ $status -eq 0 ]
    [ "$(grep -c '^resnet20_[1-5] .*missing' <<<"$output")" -eq 5 ]
    grep -qF "$TRAIN tools/study/tiny.cfg --seed 1 --out $OUT/resnet20_1 --threads 1" <<<"$output"
    [ "$(grep -c '^resnet20_long_1 ' <<<"$output")" -eq 0 ]
    [ ! -e "$OUT" ]
}

@test "mistakes are refused with one line" {
    for mistake in '--tiny nonsense' '--threads none' --redo '--tiny --out' --wrong; do
        # shellcheck disable=SC2086 # words
        run --separate-stderr "$REPRODUCE" $mistake
        [ $status -eq 2 ]
        one_line "$stderr"
    done
}

@test "data that are not there are named before anything is run" {
    mkdir -p data/cifar10
    run --separate-stderr "$REPRODUCE" --data "$PWD/data" --out "$OUT" dataset_cifar10 dataset_mnist dataset_imagenette128
    [ $status -eq 3 ]
    one_line "$stderr"
    grep -qF "data/mnist: no such directory; dataset_mnist, for one, needs it; run tools/get-dataset mnist" <<<"$stderr"
    grep -qF "data/imagenette128: no such directory" <<<"$stderr"
    grep -qF "docs/results.md, section 6" <<<"$stderr"
    [[ $stderr != *cifar10* ]]
    [ -z "$output" ] && [ ! -e "$OUT" ]
    # of steps that need none of them nothing is asked
    reproduce --data "$PWD/nowhere" resnet20_1
    [ -s "$OUT/resnet20_1/final.weights" ]
}

@test "interrupted and killed, a study goes on and ends with the same bytes" {
    train_by_hand 1 "$PWD/alone"
    begin resnet20_1 resnet20_2
    wait_for study/resnet20_1/manifest.json
    kill -TERM $study
    status=0
    wait $study || status=$?
    [ $status -eq 75 ]
    grep -q 'same command continues' err.txt
    [ ! -e study/page ]
    begin resnet20_1 resnet20_2
    wait_for study/resnet20_1.begun
    kill -KILL $study
    wait $study || true
    reproduce resnet20_1 resnet20_2
    cmp alone/final.weights study/resnet20_1/final.weights
    [ -e study/page/results.md ]
    [ -s study/resnet20_2.seconds ] && [ ! -e study/resnet20_2.begun ]
    grep -q '^processors: ' study/resnet20_2.machine
    # what is done is not done again
    before=$(stat -c %Y%i study/*/final.weights study/*.log)
    reproduce resnet20_1 resnet20_2
    [ "$(stat -c %Y%i study/*/final.weights study/*.log)" = "$before" ]
}

@test "a signal ends it in order, at whatever moment it comes" {
    for i in 1 2 3 4 5; do
        rm -rf study
        begin 'resnet20_[1-5]' 'shown_*_[1-5]'
        wait_for study/steps.json
        sleep 0.$((i * 3 % 10))
        kill -TERM $study
        status=0
        wait $study || status=$?
        cat err.txt
        [ $status -eq 75 ]
        one_line "$(<err.txt)"
        flock -w 20 study/lock true # what it had started has ended
    done
}

@test "work that ends before it is waited for keeps its status" {
    run bash -c 'trap() { sleep 0.2; builtin trap "$@"; } # twice where it is waited for, once where it is done
        . "$1"; work() { exit 3; }; supervise work' - "$ROOT/tools/study/run.sh"
    [ $status -eq 3 ]
}

@test "a step with another command is refused until it is redone" {
    reproduce resnet20_1
    sed -i 's/--seed 1/--seed 7/' study/resnet20_1.command
    run --separate-stderr reproduce sis_resnet20_1_margin resnet20_2
    [ $status -eq 3 ]
    [[ $stderr == *'resnet20_1: changed: '*'--redo resnet20_1'* ]]
    [[ $stderr == *'sis_resnet20_1_margin: blocked: needs resnet20_1'* ]]
    [ -e study/resnet20_2/final.weights ] && [ ! -e study/sis_resnet20_1_margin ]
    # another number of threads is the same command
    sed -i 's/--seed 7/--seed 1/; s/--threads 1/--threads 5/' study/resnet20_1.command
    reproduce resnet20_1
    sed -i 's/--seed 1/--seed 7/' study/resnet20_1.command
    reproduce --redo resnet20_1
    grep -q -e '--seed 1 ' study/resnet20_1.command
}

@test "redoing a step takes away what was made of it, and nothing else" {
    reproduce sis_resnet20_1_margin resnet20_2
    before=$(stat -c %Y%i study/resnet20_2/final.weights)
    run reproduce --redo resnet20_1
    [ $status -eq 0 ]
    grep -q 'removed sis_resnet20_1_margin' <<<"$output"
    [ ! -e study/sis_resnet20_1_margin ] && [ ! -e study/sis_resnet20_1_margin.command ]
    [ -e study/resnet20_1/final.weights ]
    [ "$(stat -c %Y%i study/resnet20_2/final.weights)" = "$before" ]
}

@test "a step that fails leaves the others alone and is told of" {
    mkdir bin
    ln -s "$VALIDATE" bin/validate
    printf '#!/bin/sh\ncase "$*" in *"--seed 2"*) echo planted >&2; exit 3 ;; esac\nexec "%s" "$@"\n' "$TRAIN" >bin/train
    chmod +x bin/train
    export BIN=$PWD/bin
    run --separate-stderr reproduce resnet20_ensemble_3
    [ $status -eq 3 ]
    [[ $stderr == *'resnet20_2: failed: status 3; planted'* ]]
    [[ $stderr == *'resnet20_ensemble_3: blocked: needs resnet20_2'* ]]
    [ -e study/resnet20_1/final.weights ] && [ -e study/resnet20_3/final.weights ]
    [ -e study/page/results.md ]
    grep -q '"step": "resnet20_3", "section": 1, "state": "done"' study/steps.json
    grep -q '"step": "resnet20_2", "section": 1, "state": "failed"' study/steps.json
    grep -q '"step": "resnet20_ensemble_3", "section": 1, "state": "missing"' study/steps.json
}

@test "a training that was made by hand with the same command is taken, another is not" {
    train_by_hand 1 "$OUT/resnet20_1"
    train_by_hand 7 "$OUT/resnet20_2"
    before=$(stat -c %Y%i study/resnet20_1/final.weights)
    run --separate-stderr reproduce resnet20_1 resnet20_2
    [ $status -eq 3 ]
    [[ $stderr == *'resnet20_2: changed: '*'was not made by this command'* ]]
    [ "$(stat -c %Y%i study/resnet20_1/final.weights)" = "$before" ]
    grep -q '^[0-9.]*$' study/resnet20_1.seconds
    grep -q "^$TRAIN .* --threads 1" study/resnet20_1.command
}

@test "the whole study of made-up pictures ends with a page" {
    TOOLS=$REAL_TOOLS
    reproduce --long
    [ -s study/page/results.md ]
    grep -q '^To run these steps again: ' study/page/results.md
    run ! grep 'None of its' study/page/results.md
    grep -q 'the next seed (control) | ' study/page/results.md
    [ "$(grep -c ' --out ' study/page/results/commands.md)" -gt 60 ]
    run ! grep -F '**: not run (' study/page/results/commands.md
    [ "$(grep -c '"state": "done"' study/steps.json)" -gt 60 ]
    run ! grep '"state": "[^d]' study/steps.json
}

@test "what is on record is not missing, and its networks are taken where others need them" {
    TOOLS=$REAL_TOOLS
    reproduce resnet20_ensemble_3 dataset_mnist
    [ "$(ls study/page/results/networks)" = $'resnet20_1\nresnet20_2\nresnet20_3' ]
    cmp study/resnet20_1/final.weights study/page/results/networks/resnet20_1/final.weights
    # as on another machine: nothing but the page, with what it is made of
    mv study/page page && rm -rf study && mkdir study && mv page study/page
    cp study/page/results.md before.md
    run reproduce --missing --list
    grep -q '^resnet20_4 .* missing ' <<<"$output"
    grep -q '^resnet20_1 .* on record ' <<<"$output"
    run ! grep '^dataset_mnist' <<<"$output"
    reproduce model_resnet20_1 >out.txt
    grep -q 'taken   resnet20_1 from ' out.txt
    run ! grep -q 'begins  resnet20_1' out.txt
    grep -q '"step": "resnet20_1", "section": 1, "state": "taken"' study/steps.json
    grep -q '"command": \[' study/page/results/record/model_resnet20_1.json
    diff before.md study/page/results.md | grep '^<' >gone.txt || true
    run ! grep -F '| ResNet-20 | 1, 2, 3 of 5 |' gone.txt # what was run before stands as it did
    run ! grep -q 'Not of the networks' study/page/results.md
    # asked for by name, it is trained, and so is one on record whose command is another
    rm -rf study/resnet20_1*
    touch study/resnet20_1.taken # a kill came before the network was
    reproduce resnet20_1 >out.txt
    grep -q 'begins  resnet20_1' out.txt
    grep -q '"step": "resnet20_1", "section": 1, "state": "done"' study/steps.json
    sed -i 's/--seed 2/--seed 7/' study/page/results/record/resnet20_2.json
    reproduce resnet20_ensemble_3 >out.txt
    grep -q "taken   resnet20_3" out.txt
    grep -q 'begins  resnet20_2' out.txt
}

@test "the steps that are missing cannot be named" {
    run --separate-stderr reproduce --missing resnet20_1
    [ $status -eq 2 ]
    one_line "$stderr"
}
