# Shell functions that the scripts share. To be sourced by bash, from a script that set -euo pipefail.
# shellcheck shell=bash

# The top of the repository, whatever directory the script was called from.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"

# What is said about progress goes to standard error; a script's own results go to standard output.
say() { printf '\033[1m==>\033[0m %s\n' "$*" | strip_colour >&2; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }
strip_colour() { if [ -t 2 ]; then cat; else sed $'s/\033\\[[0-9;]*m//g'; fi; }

# usage: prints the comment block at the top of the calling script, which is its help text.
usage() { sed -n '2,/^[^#]/{/^#/!d; s/^# \{0,1\}//; p}' "$0"; }

# How many compilers may run at once: one per core, but no more than memory carries at 1.2 GB each,
# the most that a file using gRPC was seen to take under a sanitizer. EVENTBUS_JOBS overrides it.
jobs_at_once() {
  if [ -n "${EVENTBUS_JOBS:-}" ]; then echo "$EVENTBUS_JOBS"; return; fi
  local cores memory
  cores=$(nproc)
  memory=$(awk '/^MemAvailable/ {print int($2 / 1200000)}' /proc/meminfo)
  [ "$memory" -ge 1 ] || memory=1
  echo $((cores < memory ? cores : memory))
}

# quietly TITLE LOG COMMAND…  runs a long command with its output in LOG. Every 10 seconds it says
# how long it has been going and the last line of its output; on failure it shows the end of the log.
quietly() {
  local title=$1 log=$2 started=$SECONDS pid status=0 beat=0
  shift 2
  mkdir -p "$(dirname "$log")"
  say "$title"
  "$@" >"$log" 2>&1 </dev/null &
  pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.2
    beat=$((beat + 1))
    if [ $((beat % 50)) -eq 0 ]; then
      printf '    %3d s  %s\n' $((SECONDS - started)) \
        "$(tail -n 1 "$log" | tr '\r\t' '  ' | cut -c 1-100)" >&2
    fi
  done
  wait "$pid" || status=$?
  if [ "$status" -ne 0 ]; then
    tail -n 40 "$log" >&2
    printf 'error: %s: failed with status %d; all of its output is in %s\n' "$title" "$status" "$log" >&2
  fi
  return "$status"
}

# The scripts may be called by anyone; only installing packages needs to be root.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else fail "this needs root to install packages: run it as root, or install sudo. Command: $*"
  fi
}

# packages_of GROUP…  the packages of these groups for this machine's release, one a line.
packages_of() {
  local release
  # shellcheck source=/dev/null
  release=$(. /etc/os-release && echo "${ID:-}-${VERSION_ID:-}")
  awk -v release="$release" -v groups=" $* " '
    /^#/ || NF < 2 || !index(groups, " " $1 " ") { next }
    NF > 2 { wanted = 0; for (i = 3; i <= NF; i++) if ($i == release) wanted = 1; if (!wanted) next }
    { print $2 }' "$root/scripts/lib/packages"
}

# install_packages GROUP…  installs what is missing of these groups. Nothing missing: done at once,
# without asking the network.
install_packages() {
  local missing
  command -v dpkg-query >/dev/null ||
    fail "packages can be installed on Debian 12, Debian 13 and Ubuntu 24.04 only; on another system" \
      "install what scripts/lib/packages lists, and build with cmake --preset release"
  missing=$(missing_packages "$@")
  [ -n "$missing" ] || return 0
  say "Missing packages:" $missing
  install_listed $missing
}

missing_packages() {
  local wanted
  wanted=$(packages_of "$@")
  # shellcheck disable=SC2086
  comm -23 <(sort -u <<<"$wanted") \
    <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $wanted 2>/dev/null |
      sed -n 's/^installed //p' | sort -u)
}

install_listed() {
  local log=${TMPDIR:-/tmp}/eventbus-install.$$.log
  quietly "Asking for the current package lists" "$log" as_root apt-get -o Acquire::Retries=3 update -q
  quietly "Installing $# packages and what they need (minutes, the first time)" "$log" \
    as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 install -y -q --no-install-recommends "$@"
  rm -f "$log"
}

# build PRESET [TARGET…]  configures if it is the first time or the presets have changed, and builds,
# saying how far it is.
build() {
  local preset=$1 targets=() stamp
  shift
  [ $# -eq 0 ] || targets=(--target "$@")
  stamp=$(sha256sum <CMakePresets.json)
  if [ ! -e "build/$preset/build.ninja" ] ||
    [ "$stamp" != "$(cat "build/$preset/.presets" 2>/dev/null)" ]; then
    quietly "Configuring the $preset build" "build/logs/configure-$preset.log" cmake --preset "$preset"
    echo "$stamp" >"build/$preset/.presets"
  fi
  say "Building ($preset)"
  NINJA_STATUS='[%f/%t, %es] ' cmake --build --preset "$preset" --parallel "$(jobs_at_once)" \
    "${targets[@]}" | thin_out
}

# thin_out: on a terminal, as it comes. In a log, of ninja's "[done/total" lines only about every
# twentieth, so that progress is seen without drowning warnings; all other lines whole.
thin_out() {
  if [ -t 1 ]; then cat; return; fi
  # Not awk: Debian's reads ahead, and so keeps what it was given for a minute.
  local line last=0
  while IFS= read -r line || [ -n "$line" ]; do
    if [[ $line =~ ^\[([0-9]+)/([0-9]+) ]]; then
      [ "${BASH_REMATCH[1]}" -eq "${BASH_REMATCH[2]}" ] ||
        [ $(((BASH_REMATCH[1] - last) * 20)) -ge "${BASH_REMATCH[2]}" ] || continue
      last=${BASH_REMATCH[1]}
      line=${line:0:120}
    fi
    printf '%s\n' "$line"
  done
}

# python_environment NAME REQUIREMENTS…  makes build/venv/NAME hold exactly the pinned requirements;
# prints nothing. Unchanged requirements: done at once.
python_environment() {
  local venv=build/venv/$1 files=("${@:2}") stamp
  stamp=$(cat "${files[@]}" | sha256sum)
  [ "$stamp" != "$(cat "$venv/.stamp" 2>/dev/null)" ] || return 0
  rm -rf "$venv"
  mkdir -p build/venv
  /usr/bin/python3 -m venv "$venv"
  quietly "Installing Python packages for ${files[*]}" "build/logs/pip-$1.log" \
    "$venv/bin/pip" install --disable-pip-version-check --require-hashes --only-binary :all: \
    "${files[@]/#/--requirement=}"
  echo "$stamp" >"$venv/.stamp"
}

# our_files PATTERN…  what git tracks or would track, separated by NUL; the patterns are git's.
our_files() {
  local file
  git ls-files -z --cached --others --exclude-standard -- "$@" |
    while IFS= read -r -d '' file; do
      if [ -e "$file" ]; then printf '%s\0' "$file"; fi
    done
}

our_cpp_files() { our_files '*.cc' '*.h'; }
