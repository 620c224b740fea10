# A network that learns the answers of another one, or of an ensemble.
load train_fixture
load mpi_fixture

setup_file() {
    TRAIN=$(realpath "${BIN:-bin}/train")
    ( # every test starts where this one does
        cd "$BATS_FILE_TMPDIR" || exit 1
        make_tiny
        train_teachers
    )
}

setup() {
    use_own_directory
    make_tiny
}

train() {
    "$TRAIN" "$@" --quiet --threads 2
}

# teacher: a trained tiny.cfg; both: an ensemble of it and another seed.
train_teachers() {
    train tiny.cfg --out teacher
    train tiny.cfg --out other --seed 4
    "$TRAIN" --join both teacher other
}

# The same, as they were trained once for the file.
make_teachers() {
    cp -r "$BATS_FILE_TMPDIR"/{teacher,other,both} .
}

refused() { # status, then the command; its one line is in $stderr
    local expected=$1
    shift
    run --separate-stderr "$@"
    [ $status -eq "$expected" ]
    one_line "$stderr"
}

predictions() { # run
    "$VALIDATE" sis "$1" --images 96 --threads 2 --quiet --out "sis_$1" >/dev/null
    sed 's/.*"predicted":\([0-9]*\).*/\1/' "sis_$1/sis.jsonl" >"$1.txt"
}

agreeing() { # run a, run b: pictures of the test split that get the same class
    [ "$(wc -l <"$1.txt")" -eq 96 ]
    paste "$1.txt" "$2.txt" | awk '$1 == $2 { n++ } END { print n + 0 }'
}

# The border tells the label of 6 in 10 pictures and another class in most of the rest. From 48 pictures a network
# learns those others by heart, unless the teachers say what they made of 512. Counted against the ensemble of both
# teachers: 95 and 96 of 96 pictures, with the labels alone 82 and 85.
@test "a student agrees with its teacher more often than one that has the labels alone" {
    make_data 512
    sed -i 's/border_cue = 0.9/border_cue = 0.6; noise = 0.1/' tiny.conf
    make_cfg tiny epochs=3 learning_rate=0.05 policy=onecycle nesterov=1 distill_temperature=1
    sed -i 's/^probability=0.2/probability=0/' tiny.cfg
    grep -v '^distill' tiny.cfg >labels.cfg
    train labels.cfg --out first
    train labels.cfg --out second --seed 2
    "$TRAIN" --join teachers first second
    predictions teachers
    for seed in 11 12; do
        train labels.cfg --epochs 40 --limit-train 48 --seed $seed --out labels$seed
        train tiny.cfg --epochs 40 --limit-train 48 --seed $seed --out student$seed --teacher teachers
        predictions labels$seed
        predictions student$seed
        echo "seed $seed: $(agreeing student$seed teachers) of 96, labels alone $(agreeing labels$seed teachers)"
        [ "$(agreeing student$seed teachers)" -gt $(($(agreeing labels$seed teachers) + 4)) ]
    done
}

@test "distill_weight=0 gives the bytes of plain training, any more does not" {
    make_teachers
    for weight in 0 0.01; do
        sed "s/^batch=/distill_weight=$weight\n&/" tiny.cfg >weight.cfg
        train weight.cfg --teacher both --out weight$weight
    done
    same_result weight0 teacher
    ! cmp -s weight0.01/final.weights teacher/final.weights
}

@test "a student is the same again, with any number of threads, and after a kill" {
    make_data 3072
    train_teachers
    options=(tiny.cfg --quiet --teacher both --checkpoint-batches 5)
    "$TRAIN" "${options[@]}" --threads 1 --out whole
    "$TRAIN" "${options[@]}" --threads 2 --out two
    same_result whole two
    stop_midway KILL killed '[ -e killed/checkpoint.bin ]' "$TRAIN" "${options[@]}" --threads 1 --out killed
    [ ! -e killed/final.weights ]
    "$TRAIN" "${options[@]}" --threads 1 --out killed --resume
    same_result whole killed
    # the cfg that it leaves trains the same student
    train killed/resolved.cfg --out again
    same_result whole again
}

@test "resolved.cfg, manifest and log tell of the teacher" {
    make_teachers
    "$TRAIN" tiny.cfg --threads 2 --teacher both --out student 2>log.txt
    grep -q 'images/s (the teacher alone [1-9]' log.txt
    grep -qx teacher=both student/resolved.cfg
    grep -qx distill_weight=0.9 student/resolved.cfg
    grep -qx distill_temperature=4 student/resolved.cfg
    hash=$(sed -n 's/^teacher_sha256=//p' student/resolved.cfg)
    [ ${#hash} -eq 64 ]
    grep -q "\"sha256\": \"$hash\"" student/manifest.json
    for member in teacher other; do
        grep -q "\"weights_sha256\": \"$(sha256sum <$member/final.weights | cut -d' ' -f1)\"" student/manifest.json
        grep -q "\"cfg_sha256\": \"$(sha256sum <$member/resolved.cfg | cut -d' ' -f1)\"" student/manifest.json
    done
    grep -q '"teacher": null' teacher/manifest.json
    [ "$(grep -c distill teacher/resolved.cfg)" -eq 0 ]
    "$TRAIN" tiny.cfg --teacher both --dry-run | grep -q '^teacher: both, 2 networks, weight 0.9, temperature 4$'
}

@test "another teacher than before is refused" {
    make_teachers
    train tiny.cfg --teacher teacher --out student
    cp -r teacher moved
    refused 2 train tiny.cfg --teacher moved --out student --resume
    [[ $stderr == *'started with `teacher=teacher`, now it is `teacher=moved`'* ]]
    rm -r teacher
    cp -r other teacher
    refused 2 train tiny.cfg --teacher teacher --out student --resume
    [[ $stderr == *'started with `teacher_1_weights_sha256='* ]]
    refused 2 train student/resolved.cfg --out again
    [[ $stderr == *'resolved.cfg: teacher is another teacher than the one with teacher_sha256='* ]]
    train student/resolved.cfg --out again --teacher moved # unless it is named anew
    same_result student again
    train student/resolved.cfg --out third --teacher other # whichever it is
    [ "$(grep -c "^teacher_sha256=$(sed -n 's/^teacher_sha256=//p' student/resolved.cfg)" third/resolved.cfg)" -eq 0 ]
    refused 3 train tiny.cfg --teacher both --out both_again
    [[ $stderr == *teacher* ]]
    [ ! -e both_again ]
}

@test "a teacher that does not fit is refused, with both names" {
    make_teachers
    sed 's/^height=16/height=20/; s/^width=16/width=20/' tiny.cfg >large.cfg
    refused 2 train large.cfg --teacher teacher
    [[ $stderr == 'train: large.cfg: the student sees 20x20x3 and tells 4 classes, its teacher teacher/resolved.cfg'* ]]
    sed 's/"tiny"/"second"/' tiny.conf >second.conf
    sed 's/tiny.conf/second.conf/' tiny.cfg >second.cfg
    refused 2 train second.cfg --teacher teacher
    [[ $stderr == 'train: second.cfg: the data set is second, but the teacher of teacher/manifest.json learned tiny'* ]]
    sed -i 's/seed = 5/seed = 6/' tiny.conf
    refused 2 train tiny.cfg --teacher both --out student
    [[ $stderr == *'data set tiny holds other pictures or labels'* ]]
    sed -i 's/classes = 4/classes = 5/; s/seed = 6/seed = 5/' tiny.conf
    sed 's/^output=4/output=5/' tiny.cfg >five.cfg
    refused 2 train five.cfg --teacher teacher
    [[ $stderr == *'tells 5 classes, its teacher'*'and tells 4;'* ]]
    [ ! -e runs ] && [ ! -e student ]
}

@test "what is no teacher is refused" {
    make_teachers
    refused 2 train tiny.cfg --teacher nowhere
    [[ $stderr == 'train: nowhere: the teacher is no run directory of train'* ]]
    cp -r teacher unfinished
    rm unfinished/final.weights
    refused 3 train tiny.cfg --teacher unfinished
    [[ $stderr == *'is not finished'* ]]
    cp -r teacher running
    sed -i 's/"status": "finished"/"status": "running"/' running/manifest.json
    refused 3 train tiny.cfg --teacher running
    [[ $stderr == *'running/manifest.json: the teacher'*'is not finished'* ]]
    sed -i 's/"status": "finished"/"status": "running"/' other/manifest.json # the second member of both
    refused 3 train tiny.cfg --teacher both
    [[ $stderr == *'other/manifest.json: the teacher'*'is not finished'* ]]
    cp "$BATS_FILE_TMPDIR/other/manifest.json" other/
    cp -r teacher changed
    cp other/final.weights changed
    refused 3 train tiny.cfg --teacher changed
    [[ $stderr == 'train: changed/final.weights: are not the weights that the teacher'* ]]
    sed 's/^batch=/label_smoothing=0.1\n&/' tiny.cfg >smooth.cfg
    refused 2 train smooth.cfg --teacher teacher
    [[ $stderr == *'label_smoothing=0.1 and --teacher both soften the labels'* ]]
    sed 's/^batch=/distill_weight=0.5\n&/' tiny.cfg >alone.cfg
    refused 2 train alone.cfg
    [[ $stderr == *'tell of a teacher, but there is none'* ]]
    [ ! -e runs ]
}

@test "ranks that share the statistics train the student that one rank trains" {
    use_mpi
    make_teachers
    sed 's/^batch=/sync_bn=1\n&/' tiny.cfg >shared.cfg
    losses() { sed 's/.*"loss":\([^,]*\),.*"test_loss":\([^,]*\),.*/\1 \2/' "$1/train.jsonl"; }
    train shared.cfg --teacher both --out one
    ranks 3 "$TRAIN" shared.cfg --teacher both --out three --quiet --threads 1
    train shared.cfg --out alone
    paste -d' ' <(losses one) <(losses three) <(losses alone) | tee losses.txt
    awk '{ for (i = 1; i <= 2; i++) if (!(($i - $(i + 2)) ^ 2 <= 1e-10)) exit 1
           if (!(($1 - $5) ^ 2 > 1e-4)) exit 1 } END { if (NR != 2) exit 1 }' losses.txt
}
