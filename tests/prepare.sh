# SPDX-License-Identifier: Apache-2.0
# Shared by ./quickstart, ./test and .ci/run: packages and builds. Sourced by
# bash with $root set to the top of the source tree.

started=$(date +%s)

# step TEXT: says what happens now, with the seconds since the start.
step ()
{
  printf '\n[%3d s] %s\n' $(($(date +%s) - started)) "$*"
}

die ()
{
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# packages all | run: the names in packages.txt, all or without the test-only ones.
packages ()
{
  local line
  while read -r line; do
    [ "$line" = '# test only' ] && [ "$1" = run ] && break
    case $line in ''|'#'*) ;; *) echo "$line" ;; esac
  done <"$root/packages.txt"
}

missing_packages ()
{
  local name
  for name in $(packages "$1"); do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] ||
      echo "$name"
  done
}

# install_packages all | run
install_packages ()
{
  command -v dpkg-query >/dev/null ||
    die 'this is not Debian: install the counterparts of packages.txt, then use ./bootstrap, ./configure and make'
  local missing as_root=
  missing=$(missing_packages "$1")
  if [ -z "$missing" ]; then
    step 'All packages are installed.'
    return
  fi
  step "Installing Debian packages:" $missing
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null ||
      die "packages are missing and there is no sudo; as root: apt-get install" $missing
    as_root=sudo
  fi
  local apt='apt-get -o DPkg::Lock::Timeout=300 -qq'
  $as_root $apt update || die 'apt-get update failed'
  $as_root env DEBIAN_FRONTEND=noninteractive $apt install -y \
    --no-install-recommends $missing </dev/null >/dev/null ||
    die "apt-get could not install:" $missing
}

# quiet LOG COMMAND...: runs it with its output in LOG, and shows the end of that if it fails.
quiet ()
{
  local log=$1
  shift
  "$@" >"$log" 2>&1 </dev/null && return
  tail -n 40 "$log" >&2
  die "failed: $* (all of it: $log)"
}

# build_tree FOLDER CONFIGURE_ARGUMENT...: builds out of the source tree and
# installs into FOLDER/stage. Builds only what changed when it was built before.
build_tree ()
{
  local build=$1
  shift
  mkdir -p "$build"
  if [ ! -x "$root/configure" ]; then
    step 'Making configure (./bootstrap).'
    (cd "$root" && quiet "$build/bootstrap.log" ./bootstrap) || exit 1
  fi
  cd "$build"
  if [ ! -f config.status ] || [ "$*" != "$(cat configure.arguments 2>/dev/null)" ]; then
    step "Configuring in $build $*"
    quiet configure.log "$root/configure" "$@"
    echo "$*" >configure.arguments
  fi
  step 'Building.'
  quiet make.log make -j"$(nproc)"
  rm -rf stage
  quiet install.log make install DESTDIR="$build/stage"
  cd "$root"
}
