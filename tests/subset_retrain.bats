# What bin/validate dataset --full promises of subset.retrain: new trainings on a few pixels of each picture.
load validate_fixture

# Network, data and masks of the tests below. $1: border_width, 0: a plain set; $2: border_cue
make_set() {
    cat >tiny.conf <<END
format = "planted"; name = "tiny"; classes = 4; shape = [3, 16, 16];
mean = [0.5, 0.5, 0.5]; std = [0.25, 0.25, 0.25];
n_train = 400; n_test = 300; seed = 5; border_width = $1; border_cue = $2;
END
    printf '%s\n' '[net]' batch=16 height=16 width=16 channels=3 dataset=elsewhere.conf epochs=8 seed=3 \
        learning_rate=0.1 policy=onecycle warmup=1 momentum=0.9 '[normalize]' mean=0.5,0.5,0.5 std=0.25,0.25,0.25 \
        '[convolutional]' batch_normalize=1 filters=16 size=3 stride=2 pad=1 activation=relu \
        '[convolutional]' batch_normalize=1 filters=32 size=3 stride=2 pad=1 activation=relu \
        '[avgpool]' '[connected]' output=4 activation=linear '[softmax]' >tiny.cfg
    sed 's/elsewhere/tiny/' tiny.cfg >maker.cfg
    "$TRAIN" maker.cfg --out maker --quiet --threads 2 >/dev/null
    for split in train test; do
        "$VALIDATE" sis maker --split $split --out masks_$split --quiet --threads 2 >/dev/null
    done
}

setup() {
    use_own_directory
    echo 'name = "t"; checks = ( { check = "subset.retrain"; fraction = 0.01; at_most = 0.1; } );' >policy.conf
}

validate() {
    "$VALIDATE" dataset tiny.conf --policy policy.conf --out report --cfg tiny.cfg --threads 2 --quiet "$@"
}

full() {
    validate --full --masks masks_train --masks masks_test "$@"
}

# The share of right answers of training $1.
right() {
    sed -n 's/.*"test_accuracy": \([0-9.]*\).*/\1/p' report/retrain/$1/manifest.json | head -n 1
}

@test "a few pixels of the border that teach the labels are caught, and what is finished is used again" {
    make_set 1 0.9
    run full
    echo "$output"
    [ $status -eq 1 ]
    grep -q '^fail *subset.retrain@0.01' <<<"$output"
    # own pixels teach as much as whole pictures, and so do chosen places; random ones do not
    awk -v w="$(right whole)" -v c="$(right 0.01/cross)" -v e="$(right 0.01/exchanged)" -v r="$(right 0.01/random)" \
        'BEGIN { print w, c, e, r; exit !(w > 0.85 && c > 0.85 && e > r + 0.1) }'
    # each half was searched by the model that had not seen it
    head -n 1 report/retrain/masks_train_1.images | grep -qx 0
    head -n 1 report/retrain/masks_train_2.images | grep -qx 1
    # the exchanged masks are the same ones, with other pictures
    run ! cmp -s report/retrain/masks_train/masks.npz report/retrain/exchanged_train/masks.npz
    for which in masks exchanged; do
        sed -E 's/"(image|order)":[0-9]+//g' report/retrain/${which}_train/sis.jsonl | sort >$which.sorted
    done
    cmp masks.sorted exchanged.sorted
    grep -q -- '--without=1/2' report/retrain/without_1/manifest.json
    grep -q -- '--without=2/2' report/retrain/without_2/manifest.json
    sha256sum report/retrain/*/checkpoint.bin report/retrain/*/*/checkpoint.bin report/retrain/*/masks.npz >before
    [ "$(wc -l <before)" -eq 17 ] # 9 trainings, 4 halves of masks, both joined and exchanged
    run full --overwrite
    [ $status -eq 1 ]
    sha256sum -c --quiet before
    [ "$(cat report/retrain/*.log report/retrain/0.01/*.log | grep -c 'this run is finished')" -eq 9 ]
}

@test "a set without a cue is cleared" {
    make_set 0 0
    run full
    echo "$output"
    [ $status -eq 0 ]
    grep -q '^pass *subset.retrain@0.01' <<<"$output"
}

@test "without --full it does not run, and without masks of the first pictures it is an error with the remedy" {
    make_set 1 0.9
    run validate
    [ $status -eq 4 ]
    grep -q 'Not run.*subset.retrain@0.01' report/report.md
    run validate --full --overwrite
    [ $status -eq 3 ]
    grep -q 'give both results with --masks' report/report.json
    "$VALIDATE" sis maker --split test --out others --images 5-9 --quiet --threads 2 >/dev/null
    run validate --full --overwrite --masks masks_train --masks others
    [ $status -eq 3 ]
    grep -q 'not those of the first 5 pictures' report/report.json
    [ ! -e report/retrain ]
}

@test "stopped and resumed it comes to the same end" {
    make_set 1 0.9
    full || [ $? -eq 1 ]
    mv report whole
    for file in without_1/train.jsonl masks_train_2.log 0.01/cross/train.jsonl; do
        stop_midway TERM report "[ -e report/retrain/$file ]" "$VALIDATE" dataset tiny.conf --policy policy.conf \
            --out report --cfg tiny.cfg --threads 2 --quiet --full --masks masks_train --masks masks_test --resume
        [ ! -e report/report.json ]
    done
    full --resume || [ $? -eq 1 ]
    for file in report/retrain/*/final.weights report/retrain/*/*/final.weights report/retrain/*/masks.npz; do
        cmp $file whole/${file#report/}
    done
    diff <(grep subset.retrain report/report.md) <(grep subset.retrain whole/report.md)
}
