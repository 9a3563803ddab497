#!/bin/sh
# Puts gVisor on a node (`install`) or takes out exactly what it put there (`remove`). Both may be run again at any time,
# also after having been cut off: what is in place already is left alone, and containerd is restarted only if its
# configuration changed.
#
# Given by environment variables; paths are those of the node:
#   HOST          where this process sees the node's root folder
#   ON_NODE       what runs a command among the node's own programs, such as "nsenter -t 1 -m --"; may be empty
#   FOLDER        the folder that programs are put into; all of it is ours
#   HANDLER       what containerd shall call gVisor
#   PLATFORM      how gVisor catches system calls
#   DOWNLOADS     the address below which <architecture>/runsc and <architecture>/containerd-shim-runsc-v1 are
#   CHECKSUMS     lines of "<architecture> <program> <SHA-512>"
#   LAYOUT        Standard: CONFIG is containerd's own; K3s: k3s writes CONFIG, from a template beside it
#   CONFIG        the configuration that containerd reads
#   RESTART       the shell command that restarts containerd, run on the node
set -eu

programs="runsc containerd-shim-runsc-v1"
begin="# >>> sandlot gvisor >>>"
begin_joined="# >>> sandlot gvisor, after a line without an end >>>"
finish="# <<< sandlot gvisor <<<"
drop_in_name="90-sandlot-gvisor.toml"

# What was put where: "folder PATH" and "file PATH" lines, in order; and how containerd was told: "<way> PATH".
placed="$HOST$FOLDER/placed"
told="$HOST$FOLDER/told"
restart_pending="$HOST$FOLDER/restart-pending"

say() { echo "gvisor: $*"; }
fail() {
  echo "gvisor: $*" >&2
  exit 1
}
sum() { sha512sum "$1" | cut -d ' ' -f 1; }
on_node() { $ON_NODE "$@"; }

# Makes a folder and those that it lies in; prints the ones that were missing, outermost first.
make_folder() {
  [ -d "$HOST$1" ] && return 0
  make_folder "$(dirname "$1")"
  mkdir "$HOST$1"
  echo "folder $1"
}

note() { grep -qxF "$1" "$placed" 2>/dev/null || echo "$1" >>"$placed"; }

# --- programs -------------------------------------------------------------------------------------------------------

checksum_of() {
  echo "$CHECKSUMS" | while read -r for_architecture for_program checksum; do
    [ "$for_architecture $for_program" = "$architecture $1" ] && echo "$checksum"
  done || true
}

# Downloads what is not there yet, all of it before any of it is put in place.
install_programs() {
  architecture=$(uname -m)
  for program in $programs; do
    want=$(checksum_of "$program")
    [ -n "$want" ] || fail "no checksum is given for $program on $architecture; give one for this architecture"
    if [ -f "$HOST$FOLDER/$program" ] && [ "$(sum "$HOST$FOLDER/$program")" = "$want" ]; then continue; fi
    url="$DOWNLOADS/$architecture/$program"
    new="$HOST$FOLDER/.$program.new"
    curl --fail --silent --show-error --location --retry 3 --connect-timeout 20 --max-time 900 --output "$new" "$url" ||
      fail "$url cannot be downloaded; check the address, and that this node reaches it"
    got=$(sum "$new")
    if [ "$got" != "$want" ]; then
      rm -f "$HOST$FOLDER"/.*.new
      fail "$url is not what was pinned: its SHA-512 is $got, not $want; nothing was put in place"
    fi
    chmod 0755 "$new"
  done
  for program in $programs; do
    [ -f "$HOST$FOLDER/.$program.new" ] || continue
    # Running sandboxes keep the program that they were started with.
    mv "$HOST$FOLDER/.$program.new" "$HOST$FOLDER/$program"
    note "file $FOLDER/$program"
    say "$program is in $FOLDER"
  done
}

# Read by the shim at the start of each sandbox: a change needs no restart.
install_options() {
  options="$HOST$FOLDER/runsc.toml"
  cat >"$options.new" <<END
binary_name = "$FOLDER/runsc"
[runsc_config]
  platform = "$PLATFORM"
END
  mv "$options.new" "$options"
  note "file $FOLDER/runsc.toml"
}

# --- containerd's configuration ---------------------------------------------------------------------------------------

# The file up to its first table: keys of the file itself.
top_level() { sed '/^[[:space:]]*\[/,$d' "$1"; }

config_version() {
  top_level "$1" | sed -n 's/^[[:space:]]*version[[:space:]]*=[[:space:]]*\([0-9][0-9]*\).*/\1/p' | head -n 1
}

# The first folder, of the node, from which the configuration imports every .toml; nothing if there is none.
imports_folder() {
  top_level "$1" | tr '\n' ' ' | sed -n 's/.*imports[[:space:]]*=[[:space:]]*\[\([^]]*\)\].*/\1/p' | tr ',' '\n' |
    sed "s/[\"' ]//g" | grep '/\*\.toml$' | head -n 1 | sed 's|/\*\.toml$||'
}

without_block() { sed "/^# >>> sandlot gvisor/,/^$finish\$/d" "$1"; }

# Tables of version 3 (containerd 2) and version 2 have different names. A path of the shim's own keeps the node's PATH clean.
handler_tables() {
  plugin="io.containerd.grpc.v1.cri"
  if [ "$1" = 3 ]; then plugin="io.containerd.cri.v1.runtime"; fi
  cat <<END
[plugins.'$plugin'.containerd.runtimes.'$HANDLER']
  runtime_type = 'io.containerd.runsc.v1'
  runtime_path = '$FOLDER/containerd-shim-runsc-v1'
[plugins.'$plugin'.containerd.runtimes.'$HANDLER'.options]
  TypeUrl = 'io.containerd.runsc.v1.options'
  ConfigPath = '$FOLDER/runsc.toml'
END
}

# Decides how containerd is told: sets way, file and version. Before version 3 an imported file replaces all settings of a
# plugin instead of adding to them (https://github.com/containerd/containerd/issues/5837), so that only a block in the
# configuration itself is safe there.
choose_way() {
  [ -f "$HOST$CONFIG" ] ||
    fail "containerd's configuration is not at $CONFIG on this node; say where it is, or make the file"
  version=$(config_version "$HOST$CONFIG")
  case $version in
  2 | 3) ;;
  *) fail "$CONFIG has version ${version:-1}; allowed are 2 and 3: migrate it with \`containerd config migrate\`" ;;
  esac
  if without_block "$HOST$CONFIG" | grep -Eq "containerd\.runtimes\.[\"']?$HANDLER[\"']?\]"; then
    fail "$CONFIG has the handler $HANDLER already, from somebody else; use mode Preinstalled, or another handler"
  fi
  folder=$(imports_folder "$HOST$CONFIG")
  case $folder in
  "" | /*) ;;
  *) folder="$(dirname "$CONFIG")/$folder" ;;
  esac
  if [ "$version" = 3 ] && [ -n "$folder" ]; then
    way=drop-in file="$folder/$drop_in_name"
  elif [ "$LAYOUT" = K3s ]; then
    way=block file="$(dirname "$CONFIG")/config.toml.tmpl"
    if [ "$version" = 3 ]; then file="$(dirname "$CONFIG")/config-v3.toml.tmpl"; fi
  else
    way=block file="$CONFIG"
  fi
}

# What the file shall be, made of what it is.
desired() {
  if [ "$way" = drop-in ]; then
    echo "# Written by the Sandlot installer of gVisor, removed with it."
    echo "version = $version"
    handler_tables "$version"
    return
  fi
  if [ -f "$HOST$file" ]; then
    restored "$HOST$file"
    if [ -n "$(restored "$HOST$file" | tail -c 1)" ]; then
      echo
      echo "$begin_joined"
    else
      echo "$begin"
    fi
  else
    # Only k3s' template may be missing: it adds to what k3s writes by itself.
    echo '{{ template "base" . }}'
    echo "$begin"
  fi
  handler_tables "$version"
  echo "$finish"
}

# The file as it was before the block came in, to the byte.
restored() {
  if grep -qxF "$begin_joined" "$1"; then
    printf %s "$(without_block "$1")"
  else
    without_block "$1"
  fi
}

replace() {
  new="$HOST$2.sandlot-new"
  # Keeps owner and mode.
  if [ -f "$HOST$2" ]; then cp -p "$HOST$2" "$new"; fi
  cat "$1" >"$new"
  mv "$new" "$HOST$2"
}

configure() {
  choose_way
  if [ -f "$told" ] && [ "$(cat "$told")" != "$way $file" ]; then
    # The node's containerd was upgraded, or the arguments changed: what was told the old way is taken back.
    : >"$restart_pending"
    forget_configuration
  fi
  work="$HOST$FOLDER/.desired"
  desired >"$work"
  if [ -f "$HOST$file" ] && cmp -s "$work" "$HOST$file"; then
    rm "$work"
    [ ! -f "$restart_pending" ] || restart_containerd
    return 0
  fi
  former="$HOST$FOLDER/.former"
  rm -f "$former"
  if [ -f "$HOST$file" ]; then cp -p "$HOST$file" "$former"; fi
  : >"$restart_pending"
  make_folder "$(dirname "$file")" >>"$placed"
  if [ ! -f "$HOST$file" ]; then note "file $file"; fi
  echo "$way $file" >"$told"
  replace "$work" "$file"
  rm "$work"
  if accepted && restart_containerd; then
    rm -f "$former"
    say "containerd knows the handler $HANDLER ($way in $file)"
    return 0
  fi
  if [ -f "$former" ]; then mv "$former" "$HOST$file"; else rm -f "$HOST$file"; fi
  restart_containerd || true
  fail "containerd does not start with the handler $HANDLER in $file; what was there before was put back"
}

# Whether containerd can read its configuration, asked before it is restarted. k3s writes it only when it restarts.
accepted() {
  [ "$LAYOUT" = Standard ] || return 0
  on_node sh -c 'command -v containerd >/dev/null' || return 0
  on_node containerd --config "$CONFIG" config dump >/dev/null
}

restart_containerd() {
  say "restarting containerd"
  on_node sh -c "$RESTART" || return 1
  rm -f "$restart_pending"
}

# Takes the handler out of the configuration, wherever it was told.
forget_configuration() {
  read -r told_way told_file <"$told"
  if [ -f "$HOST$told_file" ]; then
    former="$HOST$FOLDER/.former"
    restored "$HOST$told_file" >"$former"
    # Of a file that was made here nothing is left, but for what somebody else may have added to a template.
    if [ "$told_way" = drop-in ] ||
      { grep -qxF "file $told_file" "$placed" && [ "$(cat "$former")" = '{{ template "base" . }}' ]; }; then
      rm "$HOST$told_file"
    else
      replace "$former" "$told_file"
    fi
    rm -f "$former"
  fi
  rm "$told"
}

# --- the two commands ---------------------------------------------------------------------------------------------------

install() {
  made=$(make_folder "$FOLDER")
  [ -z "$made" ] || echo "$made" >>"$placed"
  install_programs
  install_options
  configure
  say "installed"
}

remove() {
  if [ ! -d "$HOST$FOLDER" ]; then
    say "nothing is installed"
    return
  fi
  if [ -f "$told" ]; then
    : >"$restart_pending"
    forget_configuration
  fi
  if [ -f "$restart_pending" ]; then restart_containerd || fail "containerd did not restart without the handler $HANDLER"; fi
  # The list lies in the folder that goes.
  lines=$(sed '1!G;h;$!d' "$placed" 2>/dev/null || true)
  rm -f "$placed" "$HOST$FOLDER"/.*.new "$HOST$FOLDER/.desired" "$HOST$FOLDER/.former"
  echo "$lines" | while read -r kind path; do
    case $kind in
    file)
      # A file of containerd's that is still there is somebody else's by now.
      case $path in "$FOLDER"/*) rm -f "$HOST$path" ;; esac
      ;;
    folder) rmdir "$HOST$path" 2>/dev/null || say "$path is kept: something else is in it" ;;
    esac
  done
  say "removed"
}

case ${1:-} in
install) install ;;
remove) remove ;;
*) fail "usage: install.sh install|remove" ;;
esac
