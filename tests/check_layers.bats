#!/usr/bin/env bats
# tools/check-layers must catch each kind of violation: every test plants one in a copy of the tree.

setup() {
    root=$BATS_TEST_TMPDIR/house
    mkdir -p "$root"
    cp -r base datasets darknet-ext train validate "$root"
    mkdir -p "$root/tests" "$root/tools"
}

# plant FILE LINE: the check must fail and name the file.
plant() {
    printf '%s\n' "$2" >>"$root/$1"
    run tools/check-layers "$root"
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == *"$1:"* ]]
}

allow() {
    printf '%s\n' "$2" >>"$root/$1"
    run tools/check-layers "$root"
    echo "$output"
    [ "$status" -eq 0 ]
    [ -z "$output" ]
}

@test "the tree as it is passes" {
    run tools/check-layers "$root"
    echo "$output"
    [ "$status" -eq 0 ]
    [ -z "$output" ]
}

@test "base may not look up" { plant base/planted.c '#include "datasets/dataset.h"'; }
@test "datasets may not see darknet-ext" { plant datasets/planted.h '#include "darknet-ext/cfg.h"'; }
@test "darknet-ext may not see datasets" { plant darknet-ext/planted.c '#include "datasets/dataset.h"'; }
@test "darknet-ext may not see train" { plant darknet-ext/planted.c '#include "train/loop.h"'; }
@test "train may not see validate" { plant train/planted.c '#include "validate/suite.h"'; }
@test "not even train's main may see validate" { plant train/main.c '#include "validate/suite.h"'; }
@test "validate may not see train" { plant validate/planted.c '#include "train/loop.h"'; }
@test "validate's main may not see train" { plant validate/main.c '#include "train/loop.h"'; }
@test "a check in validate may not see darknet-ext" { plant validate/planted.c '#include "darknet-ext/model.h"'; }
@test "validate's main binds darknet-ext" { allow validate/main.c '#include "darknet-ext/model.h"'; }
@test "train's main binds darknet-ext and datasets" { allow train/main.c '#include "darknet-ext/model.h"'; }
@test "nothing depends on tools" { plant train/planted.c '#include "tools/bench.h"'; }
@test "darknet.h has one door" { plant darknet-ext/planted.c '#include <darknet.h>'; }
@test "darknet.h is not for validate's main" { plant validate/main.c '#include <darknet.h>'; }
@test "darknet.h is not for tests" { plant tests/test_planted.c '#include <darknet.h>'; }
@test "dn.h is not for headers" { plant darknet-ext/planted.h '#include "darknet-ext/dn.h"'; }
@test "dn.h is not for train" { plant train/planted.c '#include "darknet-ext/dn.h"'; }
@test "dn.h is not for validate's main" { plant validate/main.c '#include "darknet-ext/dn.h"'; }
@test "tests may compare with Darknet through dn.h" { allow tests/test_planted.c '#include "darknet-ext/dn.h"'; }
@test "a path through the parent folder is no way round" { plant base/planted.c '#include "base/../train/loop.h"'; }
@test "a path relative to the file is no way round" { plant base/planted.c '#include "../train/loop.h"'; }
@test "a file named without its folder is no way round" { plant base/planted.c '#include "err.h"'; }
@test "angle brackets are no way round" { plant base/planted.c '#include <train/loop.h>'; }
@test "blanks are no way round" { plant base/planted.c '  #  include   "train/loop.h"'; }
@test "a macro is no way round" { plant base/planted.c '#include TRAIN_LOOP_H'; }
@test "subfolders are no way round" {
    mkdir -p "$root/base/deep"
    plant base/deep/planted.c '#include "train/loop.h"'
}
