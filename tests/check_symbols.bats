#!/usr/bin/env bats
# tools/check-symbols must catch what it is there for: every test compiles one small program with the mistake in it.

build() { # flags...; source on stdin
    cat >"$BATS_TEST_TMPDIR/planted.c"
    gcc -o "$BATS_TEST_TMPDIR/planted" "$BATS_TEST_TMPDIR/planted.c" "$@"
}

@test "a program that exports nothing passes" {
    echo 'int main(void) { return 0; }' | build -fvisibility=hidden
    run tools/check-symbols "$BATS_TEST_TMPDIR/planted"
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "a program with the C library's stderr in it passes" {
    printf '#include <stdio.h>\nint main(void) { return fputs("", stderr) < 0; }' | build -fvisibility=hidden
    run tools/check-symbols "$BATS_TEST_TMPDIR/planted"
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "the linker's own marks pass" {
    echo 'extern char _end; int main(void) { return _end; }' | build -Wl,--export-dynamic-symbol=_end -fvisibility=hidden
    nm -D "$BATS_TEST_TMPDIR/planted" | grep -q ' _end$'
    run tools/check-symbols "$BATS_TEST_TMPDIR/planted"
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "a program that exports a function is caught" {
    echo 'int ours(void) { return 0; } int main(void) { return ours(); }' | build -rdynamic
    run tools/check-symbols "$BATS_TEST_TMPDIR/planted"
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == *"ours"* ]]
}

@test "a name that libdarknet has, too, is pointed out" {
    echo 'int load_weights(void) { return 0; } int main(void) { return load_weights(); }' | build -rdynamic
    run tools/check-symbols "$BATS_TEST_TMPDIR/planted"
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == *"same names"*"load_weights"* ]]
}

@test "a call of rand in the library is caught" {
    printf '#include <stdlib.h>\nint draw(void) { return rand(); }' >"$BATS_TEST_TMPDIR/planted.c"
    gcc -c -o "$BATS_TEST_TMPDIR/planted.o" "$BATS_TEST_TMPDIR/planted.c"
    ar rcs "$BATS_TEST_TMPDIR/planted.a" "$BATS_TEST_TMPDIR/planted.o"
    run tools/check-symbols "$BATS_TEST_TMPDIR/planted.a"
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == *"rand"* ]]
}

@test "a missing libdarknet is not a pass" {
    echo 'int main(void) { return 0; }' | build -fvisibility=hidden
    DARKNET=/nonexistent run tools/check-symbols "$BATS_TEST_TMPDIR/planted"
    [ "$status" -eq 1 ]
}
