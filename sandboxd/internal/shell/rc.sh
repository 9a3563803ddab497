# Start-up file of a session's bash. Descriptor 250 brings, for each command, variables to export and an empty word, the
# folder to change to, a one-time word, the command and a second word, each ended by NUL; 249 is the terminal, where the words
# mark the beginning and the end of the command's output. Both are closed while a command runs, and no command ever sees its
# words.
exec 250<&3 249>&1 3<&- 4<&-
[ -r ~/.bashrc ] && . ~/.bashrc
set +o history
unset HISTFILE TMOUT
PS1= PS2= IGNOREEOF=1000000

__sandboxd_take() {
  local status=$? folder word
  while IFS= read -rd '' -u 250 __sandboxd_command && [ -n "$__sandboxd_command" ]; do
    builtin declare -gx "$__sandboxd_command"
  done
  IFS= read -rd '' -u 250 folder
  IFS= read -rd '' -u 250 word
  IFS= read -rd '' -u 250 __sandboxd_command
  __sandboxd_busy=1 PROMPT_COMMAND='{ __sandboxd_done; } 2>/dev/null'
  case $folder in
  P*) builtin cd -P -- "${folder#?}" ;;
  L*) builtin cd -L -- "${folder#?}" ;;
  esac
  case $- in *x*)
    set +x
    __sandboxd_command="set -x"$'\n'"$__sandboxd_command"
    ;;
  esac
  builtin printf '\036%sS\0' "$word" >&249
  case $- in *e*) return 0 ;; esac
  return "$status"
}

__sandboxd_done() {
  local status=$? word
  if [ -n "${__sandboxd_busy-}" ]; then
    __sandboxd_busy=
    set +v
    IFS= read -rd '' -u 250 word
    builtin printf '\036%sE%d;%s\0' "$word" "$status" "$PWD" >&249
  fi
  case $- in *e*) return 0 ;; esac
  return "$status"
}
