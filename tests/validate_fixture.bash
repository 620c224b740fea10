# For tests of bin/validate: a tiny trained model, made once per file.
load train_fixture

# In setup_file: trains runs/tiny.
train_tiny() {
    TRAIN=$(realpath "${BIN:-bin}/train")
    ( # every test starts where this one does
        cd "$BATS_FILE_TMPDIR" || exit 1
        make_data 512
        make_cfg tiny epochs=6 seed=3 learning_rate=0.1 policy=cosine
        "$TRAIN" tiny.cfg --quiet --threads 2 >/dev/null
    )
}

# In setup: an empty directory with that run and its data; $RUN is the run directory.
use_tiny() {
    use_own_directory
    cp -r "$BATS_FILE_TMPDIR"/{tiny.conf,tiny.cfg,runs} .
    RUN=runs/tiny
}

# The result of a SIS run in $1 has the same bytes as that in $2.
same_sis() {
    cmp "$1/sis.json" "$2/sis.json" && cmp "$1/sis.jsonl" "$2/sis.jsonl" && cmp "$1/masks.npz" "$2/masks.npz"
}

# policy.conf with these checks, small samples and thresholds that a tiny model reaches.
make_policy() {
    cat >policy.conf <<END
name = "test";
sample = { quick = 24; full = 48; };
sis = { method = "gradient"; per_step = 8; rank = "margin"; baseline = "mean"; thresholds = [0.4, 0.5]; };
checks = (
$1
);
END
}
