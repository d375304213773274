# Completion of horde for bash. This shell only: source <(horde completion bash)
# For good: horde completion bash > ~/.local/share/bash-completion/completions/horde

_horde() {
  local program=${COMP_WORDS[0]/#\~/$HOME} current=${COMP_WORDS[COMP_CWORD]} out word
  COMPREPLY=()
  out=$("$program" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null) || return 0
  while IFS=$'\t' read -r word _; do
    if [[ $word == :files ]]; then
      compopt -o default 2>/dev/null
      [[ $current == "=" ]] && current=
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      return 0
    fi
    [[ -n $word ]] && COMPREPLY+=("$word")
  done <<<"$out"
}

complete -F _horde horde
