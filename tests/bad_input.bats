# Bad input, case by case: one line on stderr that begins with "train: ", names the file and what to do, status 2 or 3,
# and no run directory. Each test is one row: status, words of the message, then the command line.
load train_fixture

setup() {
    use_own_directory
    make_tiny 64
}

# refuses STATUS WORDS ARGUMENT...: WORDS is a pattern of [[ == ]].
refuses() {
    local wanted=$1 words=$2
    shift 2
    run --separate-stderr "$TRAIN" "$@" --out out
    printf '%s\n' "status $status: $stderr"
    [ "$status" -eq "$wanted" ] && one_line "$stderr" && [[ $stderr == "train: "*$words* && ! -e out ]] &&
        says_what_to_do "$stderr"
}

says_what_to_do() {
    [[ $1 == *';'* || $1 == *'did you mean'* || $1 == *' takes '* || $1 == *' is outside '* ]]
}

# Replaces $1 by $2 in tiny.cfg (or in file $3).
change() {
    sed -i "s|$1|$2|" "${3:-tiny.cfg}"
    grep -qF -- "$2" "${3:-tiny.cfg}"
}

# Adds lines to [net] of tiny.cfg.
add() {
    printf '%s\n' "$@" >added
    sed -i '/^\[net\]/r added' tiny.cfg
}

u8() { # bytes by their numbers
    local byte
    for byte; do
        printf "\\x$(printf %x "$byte")"
    done
}

u32() { # big-endian
    u8 $(($1 >> 24 & 255)) $(($1 >> 16 & 255)) $(($1 >> 8 & 255)) $(($1 & 255))
}

zeros() {
    head -c "$1" /dev/zero
}

idx_images() { # number of 8 x 8 images
    u32 $((0x803)); u32 "$1"; u32 8; u32 8; zeros $(($1 * 64))
}

idx_labels() { # the labels
    u32 $((0x801)); u32 $#; u8 "$@"
}

# 4 classes of grey 8 x 8 images in IDX files: 16 training, 4 test images.
make_idx() {
    mkdir -p idx
    idx_images 16 >idx/train-images-idx3-ubyte
    idx_labels 0 1 2 3 0 1 2 3 0 1 2 3 0 1 2 3 >idx/train-labels-idx1-ubyte
    idx_images 4 >idx/t10k-images-idx3-ubyte
    idx_labels 0 1 2 3 >idx/t10k-labels-idx1-ubyte
    cat >idx.conf <<'END'
format = "idx"; name = "digits"; directory = "idx"; classes = 4; shape = [1, 8, 8];
mean = [0.5]; std = [0.25];
train_images = "train-images-idx3-ubyte"; train_labels = "train-labels-idx1-ubyte";
test_images = "t10k-images-idx3-ubyte"; test_labels = "t10k-labels-idx1-ubyte";
END
    use_set idx.conf 1
    change mean=0.5,0.5,0.5 mean=0.5
    change std=0.25,0.25,0.25 std=0.25
}

cifar_image() { # its label
    u8 "$1"; zeros 3072
}

# CIFAR-10's files with two images each.
make_cifar() {
    mkdir -p cifar
    for f in data_batch_{1,2,3,4,5} test_batch; do
        (cifar_image 1; cifar_image 2) >cifar/$f.bin
    done
    cat >cifar.conf <<'END'
format = "cifar10"; name = "cifar10"; directory = "cifar"; shape = [3, 32, 32];
mean = [0.5, 0.5, 0.5]; std = [0.25, 0.25, 0.25];
END
    use_set cifar.conf 3
    change output=4 output=10
}

# A folder of 4 classes with one PPM image in each split and class.
make_folder() {
    local split class
    for split in train val; do
        for class in a b c d; do
            mkdir -p folder/$split/$class
            { printf 'P6\n16 16\n255\n'; zeros 768; } >folder/$split/$class/1.ppm
        done
    done
    cat >folder.conf <<'END'
format = "folder"; name = "pictures"; directory = "folder"; shape = [3, 16, 16];
mean = [0.5, 0.5, 0.5]; std = [0.25, 0.25, 0.25];
END
    use_set folder.conf 3
}

# A list file of the folder's images; $1: its only line
make_list() {
    make_folder
    printf '%s\n' "$1" >folder/train.list
    printf 'val/a/1.ppm 0\n' >folder/test.list
    cat >list.conf <<'END'
format = "list"; name = "listed"; directory = "folder"; classes = 4; shape = [3, 16, 16];
mean = [0.5, 0.5, 0.5]; std = [0.25, 0.25, 0.25];
END
    use_set list.conf 3
}

use_set() { # descriptor, channels
    change 'dataset=.*' dataset="$1"
    change channels=3 channels="$2"
}

make_weights() { # good.weights
    "$TRAIN" tiny.cfg --quiet --epochs 1 --out good >/dev/null
    mv good/final.weights good.weights
    rm -r good
}

# ---- the fixtures themselves are good, so that a refusal is about the fault ----

@test "the sets that the cases below damage can be trained on" {
    for set in idx cifar folder list; do
        make_tiny 64
        rm -rf good folder
        make_$set 'train/b/1.ppm 1'
        "$TRAIN" tiny.cfg --quiet --batches 1 --out good
    done
}

# ---- command line ----

@test "no cfg"                      { refuses 2 'too few arguments; usage'; }
@test "two cfgs"                    { refuses 2 'unexpected argument' tiny.cfg tiny.cfg; }
@test "unknown option"              { refuses 2 'unknown option --epoch; did you mean --epochs' tiny.cfg --epoch 2; }
@test "unknown letter"              { refuses 2 'unknown option -x' tiny.cfg -x; }
@test "option without its value" {
    run --separate-stderr "$TRAIN" tiny.cfg --seed
    [ $status -eq 2 ] && one_line "$stderr" && [[ $stderr == "train: --seed has no value"* ]]
}
@test "option given twice"          { refuses 2 '--epochs is given twice' tiny.cfg --epochs 1 --epochs 2; }
@test "epochs: zero"                { refuses 2 '--epochs 0: not accepted' tiny.cfg --epochs 0; }
@test "epochs: negative"            { refuses 2 '--epochs -3' tiny.cfg --epochs -3; }
@test "epochs: trailing letters"    { refuses 2 '--epochs 3x' tiny.cfg --epochs 3x; }
@test "epochs: too large" {
    refuses 2 '--epochs 99999999999999999999' tiny.cfg --epochs 99999999999999999999
}
@test "seed: negative"              { refuses 2 '--seed -1' tiny.cfg --seed=-1; }
@test "threads: zero"               { refuses 2 '--threads 0' tiny.cfg --threads 0; }
@test "threads: not a number"       { refuses 2 '--threads two' tiny.cfg --threads two; }
@test "precision: unknown"          { refuses 2 '--precision f16' tiny.cfg --precision f16; }
@test "checkpoint time: NaN"        { refuses 2 '--checkpoint-every nan' tiny.cfg --checkpoint-every nan; }
@test "resume and overwrite"        { refuses 2 'contradict each other' tiny.cfg --resume --overwrite; }
@test "resume without a run"        { refuses 2 'out: there is no run to resume' tiny.cfg --resume; }
@test "flag with a value"           { refuses 2 '--quiet takes no value' tiny.cfg --quiet=yes; }

# ---- cfg (its own table, tests/bad_cfg.txt, follows below) ----

@test "cfg: missing"                { refuses 2 'missing.cfg: ' missing.cfg; }
@test "cfg: directory"              { refuses 2 '.: ' .; }
@test "cfg: device"                 { refuses 2 '/dev/zero: ' /dev/zero; }
@test "cfg: empty"                  { : >tiny.cfg; refuses 2 'tiny.cfg:1: no section' tiny.cfg; }
@test "cfg: binary"                 { zeros 500 >tiny.cfg; refuses 2 'tiny.cfg' tiny.cfg; }
@test "cfg: huge"                   { truncate -s 3G tiny.cfg; refuses 2 'tiny.cfg: ' tiny.cfg; }
@test "cfg: name with a line end"   { refuses 2 'no\\x0atrain: such.cfg' $'no\ntrain: such.cfg'; }
@test "cfg: misspelt section" {
    change '\[avgpool\]' '[avgpol]'
    refuses 2 'tiny.cfg:*[[]avgpol]; did you mean [[]avgpool]' tiny.cfg
}
@test "cfg: misspelt key" {
    change momentum momentun
    refuses 2 'tiny.cfg:*momentun*did you mean*momentum' tiny.cfg
}
@test "cfg: not a number"           { change batch=16 batch=lots; refuses 2 'tiny.cfg:*lots' tiny.cfg; }
@test "cfg: no length" {
    change epochs=2 '# none'
    refuses 2 'tiny.cfg: the training has no length' tiny.cfg
}
@test "cfg: warm-up too long" {
    change epochs=2 max_batches=6 # of 4 to an epoch
    add warmup=1.5
    refuses 2 'tiny.cfg: warmup=1.5 epochs is not shorter than the training of 6 batches; ' tiny.cfg
}
@test "cfg: no data set" {
    change dataset=.* '# none'
    refuses 2 'tiny.cfg: names no data set; add dataset=' tiny.cfg
}
@test "cfg: other number of classes" {
    change output=4 output=5
    refuses 2 'tiny.cfg: the last layer has 5 outputs*4 classes' tiny.cfg
}
@test "cfg: wrong channel count" {
    change channels=3 channels=1
    change mean=0.5,0.5,0.5 mean=0.5
    change std=0.25,0.25,0.25 std=0.25
    refuses 2 'tiny.cfg: channels=1, but data set tiny has images of 3' tiny.cfg
}

@test "every bad cfg of tests/bad_cfg.txt is refused by the program, too" {
    cases=0
    while IFS= read -r line; do
        if [[ $line == "== "* ]]; then
            [ $cases -eq 0 ] || refuses 2 "case.cfg" case.cfg || { cat case.cfg; false; }
            : >case.cfg
            cases=$((cases + 1))
        elif [ $cases -gt 0 ] && [ "$line" = @ ]; then
            printf '[net]\nbatch=8\nheight=8\nwidth=8\nchannels=3\n' >>case.cfg
        elif [ $cases -gt 0 ]; then
            printf '%s\n' "$line" >>case.cfg
        fi
    done <"$BATS_TEST_DIRNAME/bad_cfg.txt"
    refuses 2 "case.cfg" case.cfg
    [ $cases -ge 60 ]
}

# ---- descriptor ----

@test "descriptor: missing"         { rm tiny.conf; refuses 3 'tiny.conf: ' tiny.cfg; }
@test "descriptor: directory"       { rm tiny.conf; mkdir tiny.conf; refuses 3 'tiny.conf: ' tiny.cfg; }
@test "descriptor: empty"           { : >tiny.conf; refuses 2 'tiny.conf: no format' tiny.cfg; }
@test "descriptor: syntax"          { echo 'classes == 4' >>tiny.conf; refuses 2 'tiny.conf:4: ' tiny.cfg; }
@test "descriptor: unknown key" {
    echo 'clases = 4;' >>tiny.conf
    refuses 2 'tiny.conf:4: unknown key clases; did you mean classes' tiny.cfg
}
@test "descriptor: unknown format" {
    change planted plantet tiny.conf
    refuses 2 'tiny.conf:1: unknown format plantet*; did you mean planted' tiny.cfg
}
@test "descriptor: missing key" {
    change 'classes = 4; ' '' tiny.conf || true
    refuses 2 'tiny.conf: classes is missing' tiny.cfg
}
@test "descriptor: wrong type" {
    change 'classes = 4' 'classes = "4"' tiny.conf
    refuses 2 'tiny.conf:1: classes takes whole numbers' tiny.cfg
}
@test "descriptor: 64 bits cut" {
    change 'n_train = 64' 'n_train = 5000000000' tiny.conf
    refuses 2 'tiny.conf:3: ' tiny.cfg
}
@test "descriptor: out of range" {
    change 'border_cue = 0.9' 'border_cue = 1.5' tiny.conf
    refuses 2 'tiny.conf:3: border_cue' tiny.cfg
}
@test "descriptor: leaves its directory" {
    make_idx
    change '"train-images' '"../train-images' idx.conf
    refuses 2 'idx.conf:3: train_images' tiny.cfg
}
@test "descriptor: includes another file" {
    echo '@include "/etc/passwd"' >>tiny.conf
    refuses 2 'tiny.conf:4: @ is not allowed' tiny.cfg
}
@test "no training images" {
    change 'n_train = 64' 'n_train = 0' tiny.conf
    refuses 2 'no training images' tiny.cfg
}

# ---- data ----

@test "data: directory missing"     { make_cifar; rm -r cifar; refuses 3 'cifar: no such directory' tiny.cfg; }
@test "data: --data missing"        { make_cifar; refuses 3 'elsewhere: no such directory' tiny.cfg --data elsewhere; }
@test "data: --data is a file"      { make_cifar; refuses 3 'tiny.cfg: ' tiny.cfg --data tiny.cfg; }
@test "cifar: file missing" {
    make_cifar
    rm cifar/data_batch_3.bin
    refuses 3 'cifar/data_batch_3.bin: No such file' tiny.cfg
}
@test "cifar: truncated" {
    make_cifar
    truncate -s -1 cifar/data_batch_3.bin
    refuses 3 'cifar/data_batch_3.bin: 6145 bytes' tiny.cfg
}
@test "cifar: empty" {
    make_cifar
    : >cifar/test_batch.bin
    refuses 3 'cifar/test_batch.bin: 0 bytes' tiny.cfg
}
@test "cifar: label out of range" {
    make_cifar
    cifar_image 10 >cifar/data_batch_2.bin
    refuses 3 'cifar/data_batch_2.bin: image 0 has label 10' tiny.cfg
}
@test "cifar: a directory as file" {
    make_cifar
    rm cifar/data_batch_1.bin
    mkdir cifar/data_batch_1.bin
    refuses 3 'cifar/data_batch_1.bin: not a regular file' tiny.cfg
}
@test "idx: not IDX" {
    make_idx
    zeros 2000 >idx/train-images-idx3-ubyte
    refuses 3 'idx/train-images-idx3-ubyte: not an IDX file' tiny.cfg
}
@test "idx: truncated" {
    make_idx
    truncate -s -1 idx/train-images-idx3-ubyte
    refuses 3 'idx/train-images-idx3-ubyte: cut short' tiny.cfg
}
@test "idx: too long" {
    make_idx
    zeros 1 >>idx/train-images-idx3-ubyte
    refuses 3 'idx/train-images-idx3-ubyte: 1 bytes too many' tiny.cfg
}
@test "idx: header only" {
    make_idx
    truncate -s 10 idx/train-labels-idx1-ubyte
    refuses 3 'idx/train-labels-idx1-ubyte: ' tiny.cfg
}
@test "idx: zero images" {
    make_idx
    idx_images 0 >idx/train-images-idx3-ubyte
    refuses 3 'idx/train-images-idx3-ubyte: holds 0 items' tiny.cfg
}
@test "idx: images and labels differ" {
    make_idx
    idx_labels 0 0 0 0 0 0 0 0 0 >idx/train-labels-idx1-ubyte
    refuses 3 '16 images, but idx/train-labels-idx1-ubyte has 9 labels' tiny.cfg
}
@test "idx: label out of range" {
    make_idx
    idx_labels 0 1 2 9 >idx/t10k-labels-idx1-ubyte
    refuses 3 'idx/t10k-labels-idx1-ubyte: label 3 is 9' tiny.cfg
}
@test "idx: damaged gzip" {
    make_idx
    gzip idx/train-images-idx3-ubyte
    truncate -s -9 idx/train-images-idx3-ubyte.gz
    refuses 3 'idx/train-images-idx3-ubyte.gz: ' tiny.cfg
}
@test "folder: no classes" {
    make_folder
    rm -r folder/train/*
    refuses 3 'folder/train: 0 class directories' tiny.cfg
}
@test "folder: empty class"         { make_folder; rm folder/train/c/*; refuses 3 'folder/train/c: no image' tiny.cfg; }
@test "folder: class only in the test split" {
    make_folder
    mv folder/val/d folder/val/e
    refuses 3 'folder/val/e: class that the training split does not have' tiny.cfg
}
@test "folder: image outside a class" {
    make_folder
    cp folder/train/a/1.ppm folder/train
    refuses 3 'folder/train/1.ppm: image outside a class' tiny.cfg
}
@test "folder: unreadable image" {
    make_folder
    zeros 50 >folder/train/b/1.ppm
    refuses 3 'folder/train/b/1.ppm: not a readable' tiny.cfg
}
@test "folder: truncated image" {
    make_folder
    truncate -s 300 folder/train/b/1.ppm
    refuses 3 'folder/train/b/1.ppm: ' tiny.cfg
}
@test "folder: hostile image size" {
    make_folder
    printf 'P6\n65000 65000\n255\n' >folder/train/b/1.ppm
    refuses 3 'folder/train/b/1.ppm: ' tiny.cfg
}
@test "folder: hostile image name" {
    make_folder
    name='x;touch${IFS}planted;$(touch planted).ppm'
    zeros 50 >"folder/train/b/$name"
    refuses 3 "folder/train/b/x;touch" tiny.cfg && [ ! -e planted ]
}
@test "list: no label"              { make_list 'train/a/1.ppm'; refuses 3 'folder/train.list:1: no label' tiny.cfg; }
@test "list: label out of range" {
    make_list 'train/a/1.ppm 4'
    refuses 3 'folder/train.list:1: label 4 is neither' tiny.cfg
}
@test "list: empty"                 { make_list ''; refuses 3 'folder/train.list: lists no image' tiny.cfg; }
@test "list: first image missing" {
    make_list 'train/a/2.ppm 0'
    refuses 3 'folder/train.list: its first image, folder/train/a/2.ppm, does not exist' tiny.cfg
}

# ---- weights ----

@test "weights: missing"            { refuses 2 'missing.weights: ' tiny.cfg --weights missing.weights; }
@test "weights: directory"          { refuses 2 '.: not a regular file' tiny.cfg --weights .; }
@test "weights: empty"              { : >x.weights; refuses 2 'x.weights: only 0 bytes' tiny.cfg --weights x.weights; }
@test "weights: truncated" {
    make_weights
    truncate -s -4 good.weights
    refuses 2 'good.weights: ' tiny.cfg --weights good.weights
}
@test "weights: oversized" {
    make_weights
    zeros 4 >>good.weights
    refuses 2 'good.weights: ' tiny.cfg --weights good.weights
}
@test "weights: foreign" {
    head -c 5000 /dev/urandom >x.weights
    refuses 2 'x.weights: header says version' tiny.cfg --weights x.weights
}
@test "weights: of another cfg" {
    make_weights
    change filters=16 filters=24
    refuses 2 'good.weights: *tiny.cfg needs' tiny.cfg --weights good.weights
}
@test "weights: not a number inside" {
    make_weights
    printf '\0\0\xc0\x7f' | dd of=good.weights bs=1 seek=20 conv=notrunc status=none
    refuses 2 'good.weights: number 0 of layer 2' tiny.cfg --weights good.weights
}
@test "export without weights that fit" {
    : >x.weights
    refuses 2 'x.weights: ' tiny.cfg --weights x.weights --export-stock stock && [ ! -e stock ]
}

# ---- checkpoint: the run directory stays as it was ----

# refuses_resume STATUS WORDS ARGUMENT...
refuses_resume() {
    local wanted=$1 words=$2 before
    shift 2
    before=$(cat run/* | sha256sum)
    run --separate-stderr "$TRAIN" tiny.cfg --out run --resume "$@"
    printf '%s\n' "status $status: $stderr"
    [ "$status" -eq "$wanted" ] && one_line "$stderr" && [[ $stderr == "train: run/checkpoint.bin: "*$words*';'* ]] &&
        [ "$(cat run/* | sha256sum)" = "$before" ]
}

make_run() {
    "$TRAIN" tiny.cfg --quiet --out run >/dev/null
}

@test "checkpoint: truncated"       { make_run; truncate -s -1 run/checkpoint.bin; refuses_resume 3 'truncated'; }
@test "checkpoint: damaged" {
    make_run
    printf x | dd of=run/checkpoint.bin bs=1 seek=2000 conv=notrunc status=none
    refuses_resume 3 'damaged'
}
@test "checkpoint: foreign" {
    make_run
    echo something >run/checkpoint.bin
    refuses_resume 3 'is not a checkpoint'
}
@test "checkpoint: of another seed" { make_run; refuses_resume 2 'seed=3' --seed 4; }
@test "checkpoint: of another length" { make_run; refuses_resume 2 'epochs=2' --epochs 3; }
@test "checkpoint: of another network" { make_run; change filters=16 filters=32; refuses_resume 2 'filters=16'; }

# ---- output ----

@test "output: no permission" {
    [ "$(id -u)" -ne 0 ] || skip "root may write everywhere"
    mkdir closed
    chmod 500 closed
    run --separate-stderr "$TRAIN" tiny.cfg --out closed/run
    [ $status -eq 3 ] && one_line "$stderr" && [[ $stderr == *"closed/run"*";"* ]]
}
@test "output: below a file" {
    run --separate-stderr "$TRAIN" tiny.cfg --out tiny.cfg/run
    [ $status -eq 3 ] && one_line "$stderr" && [[ $stderr == "train: tiny.cfg/run: "*";"* ]]
}
@test "output: on /proc" {
    run --separate-stderr "$TRAIN" tiny.cfg --out /proc/run
    [ $status -eq 3 ] && one_line "$stderr" && [[ $stderr == "train: /proc/run: "*";"* ]]
}
@test "output: a file is in the way" {
    : >out2
    run --separate-stderr "$TRAIN" tiny.cfg --out out2
    [ $status -eq 2 ] && one_line "$stderr" && [[ $stderr == "train: out2: "*";"* ]] && [ -f out2 ]
}

# Trains in directory $1 (which is left empty) until a write fails.
fails_to_write() {
    run --separate-stderr "$TRAIN" tiny.cfg --quiet --out "$1"
    printf '%s\n' "status $status: $stderr"
    [ "$status" -eq 3 ] && one_line "$stderr" && [[ $stderr == "train: $1/"*";"* ]] && [ ! -e "$1" ]
}

@test "output: file size limit" {
    ulimit -f 4 # KiB
    fails_to_write limited
}

# A disk of $1 bytes in disk/, gone with the test.
make_disk() {
    mkdir disk
    mount -t tmpfs -o size="$1" tmpfs disk 2>/dev/null || skip "needs the right to mount"
}

teardown() {
    umount "$BATS_TEST_TMPDIR/disk" 2>/dev/null || true
}

@test "output: a read-only disk" {
    make_disk 1m
    mount -o remount,ro disk
    run --separate-stderr "$TRAIN" tiny.cfg --out disk/run
    printf '%s\n' "$stderr"
    [ $status -eq 3 ] && one_line "$stderr" && [[ $stderr == "train: disk/run: "*"; check the permissions" ]]
}

@test "output: disk full at the start" {
    make_disk 4k
    fails_to_write disk/run
}

@test "output: a disk that fills up keeps the last checkpoint whole" {
    options=(tiny.cfg --quiet --checkpoint-every 0)
    make_disk 48k # room for one checkpoint, not for two
    run --separate-stderr "$TRAIN" "${options[@]}" --out disk/run
    printf '%s\n' "$stderr"
    [ $status -eq 3 ]
    one_line "$stderr"
    [[ $stderr == "train: disk/run/checkpoint.bin: "*"; free some space" ]]
    grep -q '"status": "failed"' disk/run/manifest.json
    [ -z "$(find disk -name '*.tmp-*')" ]
    mount -o remount,size=1m disk
    "$TRAIN" "${options[@]}" --out disk/run --resume
    "$TRAIN" "${options[@]}" --out whole
    same_result disk/run whole
}

# ---- a training that diverges ----

@test "diverged at once: stops, says what to change, leaves nothing" {
    change learning_rate=0.05 learning_rate=1000
    change policy=cosine policy=constant
    words='tiny.cfg: the training diverged after * batches (numbers are not finite; learning rate 1000); lower '
    refuses 3 "$words" tiny.cfg --quiet --epochs 20
}

@test "diverged in an update whose loss was still finite: what is not finite does not reach a file" {
    change learning_rate=0.05 learning_rate=0.001
    change policy=cosine policy=exp
    add gamma=1e6 burn_in=7 power=100 # a learning rate of 1e39 after batch 7: infinite
    run --separate-stderr "$TRAIN" tiny.cfg --quiet --checkpoint-every 0 --out run
    printf '%s\n' "$stderr"
    [ $status -eq 3 ]
    [[ $stderr == *'diverged after 7 batches (numbers are not finite; learning rate inf); lower learning_rate'* ]]
    floats=$(($(stat -c %s run/best.weights) - 20)) # bytes
    tail -c $((64 + 2 * floats)) run/checkpoint.bin | od -An -tf4 -v >numbers
    [ "$(wc -l <numbers)" -gt 100 ]
    ! grep -qiE 'nan|inf' numbers
}

@test "diverged later: keeps the last good checkpoint and says so in the manifest" {
    change policy=cosine policy=steps
    add steps=6 scales=100000
    run --separate-stderr "$TRAIN" tiny.cfg --quiet --checkpoint-every 0 --epochs 20 --out run
    printf '%s\n' "$stderr"
    [ $status -eq 3 ]
    one_line "$stderr"
    [[ $stderr == *"lower learning_rate"*"run/checkpoint.bin is the last good state"* ]]
    grep -q '"status": "failed"' run/manifest.json
    ! grep -qi nan run/train.jsonl run/summary.csv
    cp -r run copy
    # the checkpoint is whole and its numbers are finite: it resumes, and diverges at the same place
    run --separate-stderr "$TRAIN" tiny.cfg --quiet --checkpoint-every 0 --epochs 20 --out run --resume
    [ $status -eq 3 ]
    cmp run/checkpoint.bin copy/checkpoint.bin
}
