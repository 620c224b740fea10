# What bin/validate promises of ensembles: accepted wherever a run is, each member checked, none left out in silence.
load validate_fixture

setup_file() {
    TRAIN=$(realpath "${BIN:-bin}/train")
    ( # every test starts where this one does
        cd "$BATS_FILE_TMPDIR" || exit 1
        make_data 256
        cp tiny.conf other.conf
        for k in 1 2 3; do
            make_cfg "m$k" epochs=4 "seed=$k" learning_rate=0.1 policy=cosine
            "$TRAIN" "m$k.cfg" --quiet --threads 2 >/dev/null
        done
        make_cfg small epochs=1 seed=1 learning_rate=0.1
        sed -i 's/^height=16/height=12/' small.cfg
        make_cfg other epochs=1 seed=1 learning_rate=0.1
        sed -i 's/tiny.conf/other.conf/' other.cfg
        for k in small other; do
            "$TRAIN" "$k.cfg" --quiet --threads 2 >/dev/null
        done
    )
}

setup() {
    use_own_directory
    cp -r "$BATS_FILE_TMPDIR"/{tiny.conf,other.conf,runs} .
    make_policy '{ check = "accuracy"; at_least = 0.1; }, { check = "sis.size"; threshold = 0.5; }'
    join three m1 m2 m3
}

# Writes runs/$1/ensemble.conf of the runs that follow.
join() {
    local k comma='' name=$1
    shift
    mkdir -p "runs/$name"
    {
        printf 'combine = "%s";\nmembers = (\n' "${COMBINE:-logit}"
        for k; do
            printf '%s  { run = "../%s"; weights_sha256 = "%s"; }' "$comma" "$k" \
                "$(sha256sum <"runs/$k/final.weights" | cut -d' ' -f1)"
            comma=$',\n'
        done
        printf ');\n'
    } >"runs/$name/ensemble.conf"
}

judge() {
    "$VALIDATE" model "$@" --policy policy.conf --threads 2 --quiet
}

search() {
    "$VALIDATE" sis "$@" --images 6 --threads 2 --quiet
}

# The command fails with status $1 and one line that holds $2; the rest is the command.
refused() {
    local status_wanted=$1 part=$2
    shift 2
    run --separate-stderr "$@"
    echo "$status: $stderr"
    [ "$status" -eq "$status_wanted" ] && [ "$(wc -l <<<"$stderr")" -eq 1 ] && grep -qF -- "$part" <<<"$stderr"
}

@test "a report on an ensemble names every member and its hash" {
    run judge runs/three
    [ $status -eq 0 ]
    for k in 1 2 3; do
        grep -q "\"run\": \"../m$k\"" runs/three/validation/report.json
        grep -q "$(sha256sum <"runs/m$k/final.weights" | cut -d' ' -f1)" runs/three/validation/report.html
        grep -q "$(sha256sum <"runs/m$k/resolved.cfg" | cut -d' ' -f1)" runs/three/validation/report.html
    done
    grep -q '"combine": "logit"' runs/three/validation/report.json
    grep -q '3 networks as one, by the mean of their logits' runs/three/validation/report.html
    run grep -c 'members were asked' runs/three/validation/report.html
    [ "$output" -eq 0 ]
    run judge runs/m1
    [ $status -eq 0 ]
    grep -q '"ensemble": null' runs/m1/validation/report.json
}

@test "an ensemble of one answers as that run, byte for byte" {
    COMBINE=probability join one m2
    search runs/one
    search runs/m2
    cmp runs/one/sis/sis.jsonl runs/m2/sis/sis.jsonl
    cmp runs/one/sis/masks.npz runs/m2/sis/masks.npz
    search runs/three
    run cmp -s runs/three/sis/sis.jsonl runs/m2/sis/sis.jsonl
    [ $status -ne 0 ]
}

@test "a search goes on with the same ensemble only" {
    search runs/three
    run search runs/three --resume
    [ $status -eq 0 ]
    join three m1 m2
    refused 2 'weights_sha256 is' search runs/three --resume
    join three m1 m3 m2
    refused 2 'weights_sha256 is' search runs/three --resume
    COMBINE=probability join three m1 m2 m3
    refused 2 'weights_sha256 is' search runs/three --resume
    join three m1 m2 m3
    echo '# the same network' >>runs/m2/resolved.cfg
    refused 2 'cfg_sha256 is' search runs/three --resume
}

@test "a member that is missing is an error, or left out and shown" {
    rm runs/m2/final.weights
    refused 3 'ensemble.conf:4: member ../m2: its final.weights is missing' judge runs/three
    run judge runs/three --allow-partial
    [ $status -eq 0 ]
    grep -q 'three (2 of 3 members)' <<<"$output"
    grep -q "Only 2 of the ensemble's 3 members were asked" runs/three/validation/report.md
    grep -q '"../m2 (its final.weights is missing)"' runs/three/validation/report.json
    grep -q 'three (2 of 3 members)' runs/three/validation/report.html
    run search runs/three --allow-partial
    grep -q '^three (2 of 3 members): 6 of the images' <<<"$output"
    rm runs/m1/final.weights runs/m3/resolved.cfg
    refused 3 'since no other is there' search runs/three --allow-partial --overwrite
}

@test "a member that is another one is an error, or left out and shown" {
    cp runs/m1/final.weights runs/m3/final.weights
    refused 3 'ensemble.conf:5: member ../m3: its final.weights is another one' search runs/three
    run search runs/three --allow-partial
    grep -q '^three (2 of 3 members)' <<<"$output"
}

@test "each member's manifest is checked as a single run's is" {
    cp runs/m1/manifest.json kept
    sed -i '/"results"/,$d' runs/m1/manifest.json
    sed -i '$ s/,$/}/' runs/m1/manifest.json
    refused 3 'm1/manifest.json: this run is not finished' search runs/three
    sed 's/"sha256": "[0-9a-f]*"/"sha256": "00"/' kept >runs/m1/manifest.json
    refused 3 'm1/final.weights: is not the file that runs/three/../m1/manifest.json tells of' search runs/three
    rm runs/m1/manifest.json
    refused 2 'm1: is no run directory of train' search runs/three
}

@test "members that do not belong together are refused with both names" {
    join mixed m1 small
    refused 2 'small/resolved.cfg: takes pictures of 3x12x16, but runs/mixed/../m1/resolved.cfg takes 3x16x16' \
        search runs/mixed
    join mixed m1 other
    refused 2 'other/resolved.cfg: dataset is other.conf, but in runs/mixed/../m1/resolved.cfg it is tiny.conf' \
        search runs/mixed
}

@test "what is no ensemble is refused with its line" {
    local conf=runs/three/ensemble.conf hash
    hash=$(printf '%064d' 0)
    printf 'combine = "logit";\nmembers = ();\n' >$conf
    refused 2 "$conf:2: members takes a list of 1..64 runs" search runs/three
    { printf 'combine = "logit";\nmembers = (\n'
      for k in $(seq 65); do printf '{ run = "m%d"; weights_sha256 = "%064d"; },\n' "$k" "$k"; done
      printf '{ run = "last"; weights_sha256 = "%s"; });\n' "$hash"; } >$conf
    refused 2 "$conf:2: members takes a list of 1..64 runs" search runs/three
    printf 'combine = "vote";\n' >$conf
    refused 2 "$conf:1: combine = \"vote\" is none of logit|probability" search runs/three
    join three m1 m2 m1
    refused 2 "$conf:5: ../m1 is the member of line 3 once more" search runs/three
    join three m1 m2
    cp $conf runs/m2/
    refused 2 "$conf:4: ../m2 is an ensemble itself" search runs/three
    join three m1 m3
    sed -i 's/"[0-9a-f]\{64\}"/"0123"/' $conf
    refused 2 "$conf:3: weights_sha256 is no SHA-256" search runs/three
}

@test "files of one's own do not go with an ensemble" {
    refused 2 'leave out --cfg and --weights' search runs/three --weights runs/m1/final.weights
    refused 2 'leave out --cfg and --weights' search runs/three --cfg runs/m1/resolved.cfg
}

@test "a comparison takes an ensemble for a model" {
    run "$VALIDATE" compare runs/m1 runs/three --images 12 --threads 2 --quiet --out cmp
    [ $status -eq 0 ] || [ $status -eq 1 ] || [ $status -eq 4 ]
    grep -q '3 networks as one, by the mean of their logits' cmp/report.md
    grep -q '"run": "../m3"' cmp/report.json
}

@test "the twin of an ensemble is one of its first member" {
    make_policy '{ check = "accuracy"; at_least = 0.1; }, { check = "border.twin"; }'
    run judge runs/three --full
    [ $status -eq 0 ]
    grep -q "We train the network of the first of the ensemble's 3 members twice more" runs/three/validation/report.md
    grep -qx 'seed=1' runs/three/validation/twin_2/border/resolved.cfg
}
