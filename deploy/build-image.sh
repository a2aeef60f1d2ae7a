#!/usr/bin/env bash
# Build the image with buildah, podman or docker, whichever is here.
#   deploy/build-image.sh [TAG]
#   BASE_IMAGE, EXTRAS   arguments of the Containerfile
#   ENGINE               the command to use, with its options
set -euo pipefail
cd "$(dirname "$0")/.."

readonly TAG=${1:-insights-results-aggregator:latest}

find_engine() {
    local name
    for name in buildah podman docker; do
        if command -v "$name" >/dev/null; then echo "$name"; return; fi
    done
    echo "buildah, podman or docker is needed" >&2
    return 1
}

read -r -a engine <<<"${ENGINE:-$(find_engine)}"
arguments=(
    --build-arg "BRANCH=$(git rev-parse --abbrev-ref HEAD 2>/dev/null || true)"
    --build-arg "COMMIT=$(git rev-parse HEAD 2>/dev/null || true)"
    --build-arg "BUILD_TIME=$(LC_ALL=C date -u '+%a %b %e %H:%M:%S UTC %Y')"
)
[ -z "${BASE_IMAGE:-}" ] || arguments+=(--build-arg "BASE_IMAGE=$BASE_IMAGE")
[ -z "${EXTRAS:-}" ] || arguments+=(--build-arg "EXTRAS=$EXTRAS")
# the OCI format has no HEALTHCHECK; docker builds its own format
[ "${engine[0]##*/}" = docker ] || arguments+=(--format docker)
# buildah's older name of `build`
[ "${engine[0]##*/}" = buildah ] && subcommand=bud || subcommand=build
exec "${engine[@]}" "$subcommand" "${arguments[@]}" --tag "$TAG" --file deploy/Containerfile .
