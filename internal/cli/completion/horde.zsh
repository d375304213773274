#compdef horde
# Completion of horde for zsh: horde completion zsh > "${fpath[1]}/_horde", then
# start zsh anew. This shell only: source <(horde completion zsh)

_horde() {
  local -a lines found
  local line word help
  lines=("${(@f)$(${(Q)words[1]} __complete "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  for line in "${lines[@]}"; do
    if [[ $line == :files ]]; then
      _files
      return
    fi
    [[ -z $line ]] && continue
    word=${line%%$'\t'*}
    help=${line#*$'\t'}
    found+=("${word//:/\\:}:$help")
  done
  (( $#found )) && _describe -t horde 'horde' found
}

if [[ $funcstack[1] == _horde ]]; then
  _horde "$@"
else
  compdef _horde horde
fi
