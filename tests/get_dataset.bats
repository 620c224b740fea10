#!/usr/bin/env bats
# tools/get-dataset: nothing unverified or half-unpacked under the final name. Needs no network: curl is a stand-in.

setup() {
    dir=$(mktemp -d)
    mkdir "$dir/bin" "$dir/copy"
    get=$PWD/tools/get-dataset
    cifar='data_batch_1.bin data_batch_2.bin data_batch_3.bin data_batch_4.bin data_batch_5.bin test_batch.bin'
}

teardown() {
    rm -rf "$dir"
}

# A curl that gives every URL the content of $dir/served.
stand_in_for_curl() {
    cat >"$dir/bin/curl" <<END
#!/bin/bash
echo "\${@: -1}" >>"$dir/urls"
[ -f "$dir/served" ] || exit 22
while [ \$# -gt 0 ]; do [ "\$1" = --output ] && cp "$dir/served" "\$2"; shift; done
END
    chmod +x "$dir/bin/curl"
    PATH=$dir/bin:$PATH
}

left_behind() {
    ls -A "$dir" | grep -vxE 'bin|copy|served|urls' || true
}

fake_cifar() {
    for f in $cifar; do head -c 3073 /dev/zero >"$dir/copy/$f"; done
}

@test "help says what it does, on stdout" {
    run "$get" --help
    [ "$status" -eq 0 ]
    [[ $output == *"usage: tools/get-dataset NAME"* ]]
}

@test "wrong usage is refused with status 2" {
    run "$get"
    [ "$status" -eq 2 ]
    run "$get" cifar
    [ "$status" -eq 2 ]
    [[ $output == *"unknown data set cifar; known are cifar10,"* ]]
    run "$get" cifar10 --form x
    [ "$status" -eq 2 ]
    [[ $output == *"unknown option --form"* ]]
    run "$get" cifar10 --from
    [ "$status" -eq 2 ]
    run "$get" cifar10 mnist
    [ "$status" -eq 2 ]
}

@test "a local copy with a wrong checksum is refused and nothing is left" {
    fake_cifar
    run "$get" cifar10 --from "$dir/copy" --into "$dir/cifar10"
    [ "$status" -eq 3 ]
    [[ $output == *"data_batch_1.bin: SHA-256 is "*" but should be cee916563c9f80d8"* ]]
    [ -z "$(left_behind)" ]
}

@test "--unverified does not accept a wrong checksum" {
    fake_cifar
    run "$get" cifar10 --unverified --from "$dir/copy" --into "$dir/cifar10"
    [ "$status" -eq 3 ]
    [ -z "$(left_behind)" ]
}

@test "a download with a wrong checksum is refused before it is unpacked" {
    stand_in_for_curl
    fake_cifar
    mkdir "$dir/copy/cifar-10-batches-bin"
    mv "$dir"/copy/*.bin "$dir/copy/cifar-10-batches-bin/"
    tar -czf "$dir/served" -C "$dir/copy" cifar-10-batches-bin
    run "$get" cifar10 --into "$dir/cifar10"
    [ "$status" -eq 3 ]
    [[ $output == *"cifar-10-binary.tar.gz: SHA-256 is "*"fetch it again"* ]]
    [ "$(cat "$dir/urls")" = https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz ]
    [ -z "$(left_behind)" ]
}

@test "a failing download says what to do and leaves nothing" {
    stand_in_for_curl
    run "$get" mnist --into "$dir/mnist"
    [ "$status" -eq 3 ]
    [[ $output == *"train-images-idx3-ubyte.gz could not be fetched"*"--from"* ]]
    [ "$(wc -l <"$dir/urls")" -eq 2 ]
    [ -z "$(left_behind)" ]
}

@test "a gzip with other content is refused by the sum of its content" {
    head -c 100 /dev/zero | gzip >"$dir/copy/train-images-idx3-ubyte.gz"
    for f in train-labels-idx1-ubyte t10k-images-idx3-ubyte t10k-labels-idx1-ubyte; do : >"$dir/copy/$f"; done
    run "$get" mnist --from "$dir/copy" --into "$dir/mnist"
    [ "$status" -eq 3 ]
    [[ $output == *"train-images-idx3-ubyte: SHA-256 is "* ]]
    [ -z "$(left_behind)" ]
}

@test "missing files and paths are named" {
    run "$get" cifar10 --from "$dir/nowhere" --into "$dir/cifar10"
    [ "$status" -eq 3 ]
    [[ $output == *"$dir/nowhere: no such file"* ]]
    fake_cifar
    rm "$dir/copy/data_batch_1.bin"
    run "$get" cifar10 --from "$dir/copy" --into "$dir/cifar10"
    [ "$status" -eq 3 ]
    [[ $output == *"no data_batch_1.bin in it"* ]]
    [ -z "$(left_behind)" ]
}

@test "a directory that is there but is not the set is left alone" {
    mkdir "$dir/cifar10"
    echo mine >"$dir/cifar10/notes"
    run "$get" cifar10 --from "$dir/copy" --into "$dir/cifar10"
    [ "$status" -eq 3 ]
    [[ $output == *"is there, but has no data_batch_1.bin; remove it"* ]]
    [ "$(cat "$dir/cifar10/notes")" = mine ]
}

@test "what cannot be verified needs --unverified and is warned about" {
    mkdir -p "$dir/copy/train/a" "$dir/copy/val/a"
    echo x >"$dir/copy/train/a/x.jpg"
    run "$get" imagenette --from "$dir/copy" --into "$dir/imagenette"
    [ "$status" -eq 3 ]
    [[ $output == *"no checksum is known"*"--unverified"* ]]
    [ -z "$(left_behind)" ]
    run "$get" imagenette --unverified --from "$dir/copy" --into "$dir/imagenette"
    [ "$status" -eq 0 ]
    [[ $output == *"warning: "*"is not verified"* ]]
    [ -f "$dir/imagenette/train/a/x.jpg" ]
}

@test "imagenet says where to get it" {
    run "$get" imagenet
    [ "$status" -eq 3 ]
    [[ $output == *"https://image-net.org/download.php"*"data/imagenet/train/CLASS/"* ]]
}

@test "planted data need no fetching" {
    run "$get" planted_border
    [ "$status" -eq 0 ]
    [[ $output == *"nothing to fetch"* ]]
}

@test "every set with a descriptor that needs a download is known" {
    for conf in datasets/*.conf; do
        name=$(basename "$conf" .conf)
        [[ $name == planted* ]] && continue
        grep -qE "^($name|.*\| *$name)\)" "$get"
    done
}

@test "the real files are accepted, and checked again when they are there" {
    [ -d ../shared/data/mnist ] || skip "no ../shared/data"
    run "$get" mnist --from ../shared/data/mnist --into "$dir/mnist"
    [ "$status" -eq 0 ]
    [[ $output == *"next: bin/train cfg/mnist_cnn.cfg --data $dir/mnist"* ]]
    run "$get" mnist --into "$dir/mnist"
    [ "$status" -eq 0 ]
    [[ $output == *"mnist is already there"* ]]
    printf x >>"$dir/mnist/t10k-labels-idx1-ubyte"
    run "$get" mnist --into "$dir/mnist"
    [ "$status" -eq 3 ]
    [[ $output == *"t10k-labels-idx1-ubyte: SHA-256 is "* ]]
}
