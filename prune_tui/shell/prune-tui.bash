# Completion of prune-tui for bash: eval "$(prune-tui completion bash)"

_prune_tui() {
  local value word=${COMP_LINE:0:COMP_POINT} head="" program=${COMP_WORDS[0]}
  COMPREPLY=()
  # bash takes a word apart at = and :, and wants back only what comes after the last of them.
  word=${word##*[[:space:]]}
  [[ $COMP_WORDBREAKS == *:* && $word == *:* ]] && head=${word%"${word##*:}"}
  [[ $COMP_WORDBREAKS == *=* && ${word#"$head"} == *=* ]] && head=${word%"${word##*=}"}
  # A ~ in a variable is no home yet.
  [[ $program =~ ^~[[:alnum:]._-]*/ ]] && eval "program=${BASH_REMATCH[0]}\${program#*/}"
  while IFS= read -r value; do
    [[ -n $value ]] && COMPREPLY+=("${value#"$head"}")
  done < <("$program" __complete line "${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
  # A folder, a Python file and an option with = go on.
  [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[/:=] ]] && compopt -o nospace 2>/dev/null
  return 0
}

complete -F _prune_tui prune-tui
