# Training and validating on a part of each picture.
load validate_fixture

setup_file() {
    train_tiny
}

setup() {
    use_tiny
}

train() {
    "$TRAIN" "$@" --quiet --threads 2
}

sis() {
    "$VALIDATE" sis $RUN "$@" --quiet --threads 2
}

model() {
    "$VALIDATE" model $RUN --policy policy.conf --quiet --threads 2 "$@"
}

test_accuracy() { # of run $1
    sed -n 's/.*"test_accuracy": \([0-9.]*\),*/\1/p' "$1/manifest.json" | head -n 1
}

@test "the cue is in the border: there a training finds it, in the centre it does not" {
    train tiny.cfg --view border:2 --epochs 6 --out border
    train tiny.cfg --view center:0.4 --epochs 6 --out centre
    echo "border $(test_accuracy border), centre $(test_accuracy centre)"
    awk -v b="$(test_accuracy border)" -v c="$(test_accuracy centre)" 'BEGIN { exit !(b > 0.8 && c < 0.6) }'
}

@test "a view is in resolved.cfg, manifest and dry run; the command line overrides the cfg" {
    make_cfg masked epochs=1 seed=3 view=border:3 baseline=black mask_order=after
    train masked.cfg
    grep -q '^view=border:3$' runs/masked/resolved.cfg
    grep -q '"view": "border:3, hidden: black, masks stay while the picture moves"' runs/masked/manifest.json
    train masked.cfg --view random:25% --mask-order before --out two
    grep -q '^view=random:25%$' two/resolved.cfg
    grep -q '^baseline=black$' two/resolved.cfg
    grep -q '^mask_order=before$' two/resolved.cfg
    grep -q '"view": "random:0.25, seed 3, hidden: black, masks move with the picture"' two/manifest.json
    train tiny.cfg --out whole
    grep -q '"view": null' whole/manifest.json
    [ "$(grep -c '^view=\|^baseline=\|^mask_order=' whole/resolved.cfg)" -eq 0 ]
    "$TRAIN" masked.cfg --dry-run | grep -qx 'view: border:3, hidden: black, masks stay while the picture moves'
}

@test "resolved.cfg trains the same view again" {
    train tiny.cfg --view segment:0.3 --baseline image-mean --epochs 1 --out one
    train one/resolved.cfg --out two
    cmp one/final.weights two/final.weights
}

@test "before and after train different networks, and only where pictures move" {
    for order in before after; do
        train tiny.cfg --view border:3 --mask-order $order --epochs 1 --out $order
        sed 's/^flip=.*/flip=0/; s/^crop_pad=.*/crop_pad=0/' tiny.cfg >still.cfg
        train still.cfg --view border:3 --mask-order $order --epochs 1 --out still-$order
    done
    run ! cmp before/final.weights after/final.weights
    cmp still-before/final.weights still-after/final.weights
}

@test "interrupted and resumed, a training on a view ends with the same bytes; another view is refused" {
    options=(tiny.cfg --threads 2 --quiet --checkpoint-every 0 --epochs 30 --view random:0.5 --without 2/3)
    stop_midway INT run '[ -e run/checkpoint.bin ]' "$TRAIN" "${options[@]}" --out run
    for other in '--view random:0.4 --without 2/3' '--view random:0.5 --without 1/3' '--view random:0.5' '--without 2/3' \
        '--view random:0.5 --without 2/3 --baseline black' '--view random:0.5 --without 2/3 --mask-order after'; do
        run --separate-stderr "$TRAIN" tiny.cfg --epochs 30 $other --out run --resume
        [ $status -eq 2 ]
        one_line "$stderr"
        [[ $stderr == *'resume with the same settings and data'* ]]
    done
    "$TRAIN" "${options[@]}" --out run --resume
    "$TRAIN" "${options[@]}" --out whole
    same_result run whole
}

@test "a part left out is not trained on, and the manifest says so" {
    train tiny.cfg --without 2/5 --epochs 1 --out part
    grep -q '"left_out": "2/5"' part/manifest.json
    grep -q '"train_images": 409' part/manifest.json # 512 without 1, 6, ... 511
    grep -q '"test_images": 96' part/manifest.json
    "$TRAIN" tiny.cfg --without 2/5 --dry-run | grep -q '512 training images (without part 2 of 5), 96 test'
    train tiny.cfg --out whole --epochs 1
    grep -q '"left_out": null' whole/manifest.json
}

@test "a training on the masks of validate sis, and all that can be wrong with them" {
    sis --images 96 --out test-masks
    sis --split train --out train-masks
    both=test-masks/masks.npz,train-masks/masks.npz
    train tiny.cfg --view masks:$both@10% --epochs 1 --out masked
    train tiny.cfg --view mask-only:$both@10% --epochs 1 --out places
    train tiny.cfg --view shuffled:$both@10% --epochs 1 --out shuffled
    run ! cmp masked/final.weights places/final.weights
    run ! cmp masked/final.weights shuffled/final.weights
    run ! cmp places/final.weights shuffled/final.weights
    grep -q "test masks $(sha256sum <test-masks/masks.npz | cut -d' ' -f1)" masked/manifest.json
    refused() { # status, part of the message, view
        run --separate-stderr train tiny.cfg --view "$3" --out refused
        [ $status -eq "$1" ] && one_line "$stderr" && [[ $stderr == *"$2"* ]] && [ ! -e refused ] ||
            { echo "$3: $status $stderr"; false; }
    }
    refused 2 'no masks of the train split' masks:test-masks/masks.npz@10%
    refused 2 'masks of the test split, as the file before' masks:test-masks/masks.npz,test-masks/masks.npz@10%
    refused 3 'cannot be read' masks:nowhere/masks.npz
    refused 2 'hides none' masks:$both@99.9%
    sis --images 7 --overwrite --out test-masks
    refused 2 'no mask of image 7 of the test split' masks:$both@10%
    head -c 2000 train-masks/masks.npz >cut.npz
    cp train-masks/sis.json .
    refused 3 'cut.npz: ' masks:test-masks/masks.npz,cut.npz@10%
    sed -i 's/seed = 5/seed = 6/' tiny.conf
    refused 2 'made of another data set' masks:$both@10%
}

@test "views that are none, in one line" {
    for view in border border:0 border:8 border:99999999999 ring:1@8 center:0 random:1 random:nan segment:-1 masks: \
        'masks:a,b,c' 'nonsense:1' '' $'masks:a\nseed=9' 'masks:a #b'; do
        run --separate-stderr train tiny.cfg --view "$view" --out refused
        [ $status -eq 2 ] && one_line "$stderr" && [ ! -e refused ] || { echo "$view: $status $stderr"; false; }
        run --separate-stderr sis --view "$view" --out refused
        [ $status -eq 2 ] && one_line "$stderr" && [ ! -e refused ] || { echo "$view: $status $stderr"; false; }
    done
    run --separate-stderr train tiny.cfg --baseline black
    [ $status -eq 2 ]
    [[ $stderr == *'there is none; add a view'* ]]
    for line in baseline=grey mask_order=during view=border:x; do
        make_cfg wrong epochs=1 view=border:2 "$line"
        [[ $line == view=* ]] && sed -i '/^view=border:2$/d' wrong.cfg
        run --separate-stderr train wrong.cfg
        [ $status -eq 2 ] && one_line "$stderr" && [[ $stderr == *"${line#*=}"* ]] || { echo "$stderr"; false; }
    done
}

@test "sis under a view says so, is not resumed without, and merges with its like only" {
    sis --images 6 --view border:2 --out one
    sis --images 6 --out whole
    grep -q '"view": "border:2, hidden: mean' one/sis.json
    grep -q '"view": null' whole/sis.json
    run ! cmp one/masks.npz whole/masks.npz
    for other in '' '--view border:3'; do
        run --separate-stderr sis --images 6 $other --resume --out one
        [ $status -eq 2 ] && one_line "$stderr" && [[ $stderr == *'view is "border:2'* ]]
    done
    run --separate-stderr sis --images 6 --view border:2 --resume --out whole
    [ $status -eq 2 ] && [[ $stderr == *'view is null there'* ]]
    sis --images 6 --view border:2 --shard 1/2 --out a
    sis --images 6 --view border:2 --shard 2/2 --out b
    sis --images 6 --shard 2/2 --out c
    run --separate-stderr "$VALIDATE" merge mixed a c
    [ $status -eq 2 ] && [[ $stderr == *'view is null there'* ]]
    "$VALIDATE" merge joined a b
    same_sis joined one
}

@test "results without the key, as written before there were views, are still read" {
    sis --images 6 --out now
    cp -r now then
    sed -i '/"view"/d' then/sis.json
    "$VALIDATE" merge again then
    same_sis again now
}

@test "a report under a view says so, and does not pair its pictures with those of another" {
    make_policy '{ check = "accuracy"; at_least = 0.1; }, { check = "sis.size"; threshold = 0.5; }'
    model
    model --view border:2 --previous $RUN/validation/report.json --out seen || [ $? -eq 4 ]
    grep -q '"view": "border:2, hidden: mean, masks move with the picture"' seen/report.json
    grep -q '"view": null' $RUN/validation/report.json
    grep -q 'the model was shown only border:2' seen/report.html
    grep -q '"same_pictures": false' seen/report.json
    ! grep -q '"same_pictures": true' seen/report.json
}
