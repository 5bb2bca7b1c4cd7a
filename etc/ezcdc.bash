# SPDX-License-Identifier: Apache-2.0
# bash completion for ezcdc. Commands, words and options are those that the
# program's --help names, so this file does not grow old.

# The folders that complete the word.
_ezcdc_folders ()
{
  local folder

  compopt -o filenames 2>/dev/null
  while IFS= read -r folder; do
    COMPREPLY+=("$folder")
  done < <(compgen -d -- "$1")
}

# The files with an ending that complete the word, and folders.
_ezcdc_files ()
{
  local file

  while IFS= read -r file; do
    COMPREPLY+=("$file")
  done < <(compgen -f -X "!*.$1" -- "$2")
  _ezcdc_folders "$2"
}

_ezcdc_words ()
{
  COMPREPLY+=($(compgen -W "$1" -- "$2" | sort -u))
}

# bash calls it with the program, the word and the word before.
_ezcdc ()
{
  local program=$1 word=$2 before=$3 command=${COMP_WORDS[1]-} help words

  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    help=$("$program" --help 2>/dev/null)
    _ezcdc_words "help $(sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p
                              s/^  \(--[a-z-]*\).*/\1/p' <<<"$help")" "$word"
    return
  fi
  if [[ $command == help ]]; then
    ((COMP_CWORD == 2)) || return
    help=$("$program" --help 2>/dev/null)
    _ezcdc_words "$(sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p' <<<"$help")" "$word"
    return
  fi
  if [[ $before == --connector-dir ]]; then
    _ezcdc_folders "$word"
    return
  fi
  if [[ $before == --policy ]]; then
    _ezcdc_files "$word"
    return
  fi
  [[ $before == --set ]] && return # SECTION.OPTION is typed

  help=$("$program" "$command" --help 2>/dev/null) || return
  if [[ $word == -* ]]; then
    _ezcdc_words "--help $(grep -o -e '--[a-z][a-z-]*' <<<"$help")" "$word"
    return
  fi
  # The second word of key and audit, and what stands behind each.
  words=$(sed -n "s/^\(Usage:\)\? *ezcdc $command \([a-z][a-z-]*\).*/\2/p" \
    <<<"$help")
  if [[ -n $words ]] && ((COMP_CWORD == 2)); then
    _ezcdc_words "$words" "$word"
    return
  fi
  if [[ -n $words ]]; then
    help=$(grep -e "ezcdc $command ${COMP_WORDS[2]}\( \|$\)" <<<"$help")$'\n'
  fi
  if [[ $help == *" LOG"[$'\n'.]* ]]; then
    _ezcdc_files jsonl "$word"
  elif [[ $help == *" FILE"* ]]; then
    _ezcdc_files ini "$word"
  fi
}
complete -F _ezcdc ezcdc
