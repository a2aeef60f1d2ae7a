#!/usr/bin/env bash
# Build the image on a base made by debootstrap and test it, on a Debian machine as root:
# read-only, as an arbitrary user of group 0, with the REST suite. No container engine runs.
#   apt-get install buildah debootstrap
#   TEST_POSTGRES_URL=... TEST_KAFKA_BROKERS=... deploy/test-image.sh [FOLDER]
set -euo pipefail
cd "$(dirname "$0")/.."

readonly FOLDER=${1:-$(mktemp -d)}
readonly SUITE=${SUITE:-bookworm}
readonly CERTIFICATES=/etc/ssl/certs/ca-certificates.crt
readonly LIMIT_MB=150

# all that buildah keeps is in FOLDER
build=(buildah --root "$FOLDER/storage" --runroot "$FOLDER/run" --storage-driver vfs)
export BUILDAH_ISOLATION=chroot

make_base() {
    debootstrap --variant=minbase --include=ca-certificates,python3,python3-venv,python3-pip \
        "$SUITE" "$FOLDER/base" >"$FOLDER/debootstrap.log"
    # a container runtime provides these, and this machine may trust a proxy
    cp /etc/hosts /etc/resolv.conf "$FOLDER/base/etc"
    cp "$CERTIFICATES" "$FOLDER/base$CERTIFICATES"
    rm -rf "$FOLDER"/base/var/cache/apt/* "$FOLDER"/base/var/lib/apt/lists/*
    local container
    container=$("${build[@]}" from scratch)
    "${build[@]}" add -q "$container" "$FOLDER/base" / >/dev/null
    "${build[@]}" config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
    "${build[@]}" commit -q --rm "$container" localhost/python-base >/dev/null
    rm -rf "$FOLDER/base"
}

"${build[@]}" images -q localhost/python-base >/dev/null 2>&1 || make_base
ENGINE="${build[*]}" BASE_IMAGE=localhost/python-base deploy/build-image.sh localhost/aggregator
container=$("${build[@]}" from localhost/aggregator)
trap '"${build[@]}" rm "$container" >/dev/null' EXIT
root=$("${build[@]}" mount "$container")
python3 -m tests.deploy.image "$root" --limit-mb "$LIMIT_MB"
