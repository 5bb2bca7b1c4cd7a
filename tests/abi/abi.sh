#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The connector ABI against its baseline, the description that abidw made of
# it. Prints TAP.
#
# Any difference fails, growth too, so that it does not happen by accident:
# anchor.c lets members be appended and nothing else, abidiff shows all. Growth
# that is meant takes a higher EZCDC_ABI_MINOR and "abi.sh --update", which
# makes the baseline anew. (abidiff could let growth pass by itself, but with
# that rule version 2.2 overlooks members that change their type.)

set -u
here=$abs_top_srcdir/tests/abi
baseline=$here/x86_64.abi
count=0
failed=0

skip_all ()
{
  echo "1..0 # SKIP $1"
  exit 0
}

result ()
{
  count=$((count + 1))
  if test "$1" -eq 0; then
    echo "ok $count - $2"
  else
    failed=1
    echo "not ok $count - $2"
    sed 's/^/# /' "$work/out"
  fi
}

# build HEADERS NAME: the anchor with the headers of that folder.
build ()
{
  $CC -std=gnu11 -g -O0 -fPIC -shared -fvisibility=hidden $3 \
      -I "$1" -o "$work/$2.so" "$here/anchor.c" >"$work/out" 2>&1
}

describe ()
{
  abidw --no-show-locs --no-comp-dir-path --no-corpus-path \
        --drop-private-types "$work/$1.so"
}

compare ()
{
  describe "$1" >"$work/$1.abi" 2>"$work/out" &&
  abidiff "$baseline" "$work/$1.abi" >"$work/out" 2>&1
}

# changed NAME SED-SCRIPT: a header with a change, and the anchor with it.
changed ()
{
  mkdir -p "$work/$1/ezcdc"
  sed "$2" "$abs_top_srcdir/include/ezcdc/connector.h" \
      >"$work/$1/ezcdc/connector.h"
  build "$work/$1" "$1" "$3"
}

test "$(uname -m)" = x86_64 || skip_all "the baseline is for x86_64"
command -v abidw >/dev/null && command -v abidiff >/dev/null ||
  skip_all "abidw and abidiff (abigail-tools) are not installed"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

if test "${1-}" = --update; then
  build "$abs_top_srcdir/include" now "" && describe now |
    sed "s|path='[^']*/tests/abi/|path='tests/abi/|" >"$baseline"
  exit
fi

build "$abs_top_srcdir/include" now ""
result $? "every member is where the ABI has it"
compare now
result $? "the ABI is that of the baseline"

# That both see what they must see, and that anchor.c lets growth pass.
append='/^  void (\*stored_position)/,/;/ s/;/; void (*added) (void);/'
insert='/^struct ezcdc_row {/ s/$/ uint64_t inserted;/'
retype='/^  int64_t commit_time;/ s/int64_t/uint64_t/'
unchecked='-D_Static_assert(...)='
changed append "$append" ""
result $? "a member at the end is growth"
! compare append
result $? "growth is seen"
! changed insert "$insert" ""
result $? "a member in front does not compile"
changed insert "$insert" "$unchecked" && ! compare insert
result $? "a member in front is seen"
changed retype "$retype" "" && ! compare retype
result $? "a member of another type is seen"

echo "1..$count"
exit $failed
