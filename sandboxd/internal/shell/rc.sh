# Start-up file of a session's bash. Descriptor 250 brings, for each command, "-" or "+" with a one-time word of 32 bytes and
# the command; after "+" variables to export, an empty word and the folder to change to; and a second word; each ended by NUL.
# 249 is the terminal, where the words mark the beginning and the end of the command's output. Both are closed while a command
# runs, and no command ever sees its words. Under gVisor every system call counts: bash makes six to read up to a NUL, and eleven
# for a redirection.
#
# Between commands the shell throws away what is typed, up to the line that the server types before the next command: input that
# a program did not read, or that came too late for it, is not for the shell. Whatever it does read by itself begins with "#".
#
# All functions return the status of the command before, and are called with "&& :" behind them: so $? is kept, but neither
# errexit nor a trap of ERR takes it for theirs.
exec 250<&3 249>&1 3<&- 4<&-
[ -r ~/.bashrc ] && . ~/.bashrc
set +o history
unset HISTFILE TMOUT
PS1= PS2= IGNOREEOF=1000000 __sandboxd_trace=

__sandboxd_take() {
  local __sandboxd_status=$? __sandboxd_folder= __sandboxd_word
  IFS= read -rd '' -u 250 __sandboxd_command
  case $__sandboxd_command in +*)
    while IFS= read -rd '' -u 250 __sandboxd_word && [ -n "$__sandboxd_word" ]; do
      builtin declare -gx "$__sandboxd_word"
    done
    IFS= read -rd '' -u 250 __sandboxd_folder
    ;;
  esac
  __sandboxd_word=${__sandboxd_command:1:32} __sandboxd_command=${__sandboxd_command:33}
  # What is run at the next prompt ends a command that was interrupted.
  __sandboxd_busy=1 PROMPT_COMMAND='{ __sandboxd_done && :; } 2>/dev/null; __sandboxd_wait && :'
  case $__sandboxd_folder in
  P*) builtin cd -P -- "${__sandboxd_folder#?}" ;;
  L*) builtin cd -L -- "${__sandboxd_folder#?}" ;;
  esac
  case $-${__sandboxd_trace-} in *x*)
    set +x
    __sandboxd_command="set -x"$'\n'"$__sandboxd_command"
    ;;
  esac
  builtin printf '\036%sS\0' "$__sandboxd_word" >&249
  return "$__sandboxd_status"
}

__sandboxd_done() {
  local __sandboxd_status=$? __sandboxd_word
  if [ -n "${__sandboxd_busy-}" ]; then
    __sandboxd_busy= PROMPT_COMMAND= __sandboxd_trace=
    set +v
    # Nothing of ours is traced between commands, wherever traces go.
    case $- in *x*)
      set +x
      __sandboxd_trace=x
      ;;
    esac
    IFS= read -rd '' -u 250 __sandboxd_word
    builtin printf '\036%sE%d;%s\0' "$__sandboxd_word" "$__sandboxd_status" "$PWD" >&249
  fi
  return "$__sandboxd_status"
}

__sandboxd_wait() {
  # An end of input that somebody typed is thrown away as well; a terminal that has ended gives nothing else.
  local __sandboxd_status=$? __sandboxd_line __sandboxd_ends=10
  while IFS= builtin read -r __sandboxd_line || ((--__sandboxd_ends)); do
    case $__sandboxd_line in *$'#\036') break ;; esac
  done
  return "$__sandboxd_status"
}
