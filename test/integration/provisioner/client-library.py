"""Calls a sandbox by AIO's own client library as DeerFlow's gateway does, and prints what came back as JSON: its models refuse
an answer whose shape is another. Arguments: the sandbox's URL, and a folder in it to write to."""

import base64
import json
import sys
import threading
import time

import httpx
from agent_sandbox import Sandbox
from agent_sandbox.core.api_error import ApiError

url, folder = sys.argv[1:3]
client = Sandbox(
    base_url=url,
    timeout=60,
    httpx_client=httpx.Client(timeout=60, follow_redirects=True, trust_env=False),
)
once = {"timeout_in_seconds": 30, "max_retries": 0}
seen = {}


def missing(call):
    """What is said of a session that is gone."""
    try:
        call()
    except ApiError as error:
        return [error.status_code, error.body["message"].split(":")[0]]
    return "it is there"


def shell(command, **more):
    data = client.shell.exec_command(
        command=command, no_change_timeout=60, request_options=once, **{"hard_timeout": 30.0, **more}
    ).data
    return [data.status, data.output, data.exit_code]


context = client.sandbox.get_context()
seen["context"] = [context.home_dir, context.detail.system.os]

seen["shell"] = shell("export WORD=kept; echo hello; (exit 3)")
seen["shell keeps its state"] = shell("echo $WORD")
seen["shell at its limit"] = shell("sleep 30", hard_timeout=1.0)
seen["shell after that"] = shell("echo on")

# A command that is aborted: its session's process is killed, and by another session whatever bears its mark, however detached.
client.shell.create_session(id="aborted", request_options=once)
shell("export MARK=m-1; setsid sleep 120 & true", id="aborted")
ended = []
running = threading.Thread(target=lambda: ended.extend(shell("sleep 60", id="aborted")))
running.start()
for _ in range(200):
    if client.shell.view(id="aborted").data.status == "running":
        break
    time.sleep(0.1)
client.shell.kill_process(id="aborted", request_options=once)
client.shell.create_session(id="sweep", request_options=once)
shell("for d in /proc/[0-9]*; do grep -qsz '^MARK=m-1$' $d/environ && kill -9 ${d#/proc/}; done; true", id="sweep")
running.join(20)
seen["aborted"] = ended[0] if ended else "it goes on"
seen["left of it"] = shell("for i in $(seq 100); do pgrep sleep > /dev/null || break; sleep 0.1; done; pgrep -c sleep", id="sweep")[1]
for session in ("aborted", "sweep"):
    client.shell.cleanup_session(session, request_options=once)
seen["shell session that is gone"] = missing(lambda: client.shell.view(id="aborted"))

# A command with secrets has a session of its own.
made = client.bash.create_session(session_id="secret", request_options=once).data
seen["bash session"] = [made.session_id, made.status, made.command_count]
data = client.bash.exec(
    command="exec < /dev/null\necho $SECRET; cat; echo wrong >&2; exit 4",
    session_id="secret",
    env={"SECRET": "s3cret"},
    hard_timeout=30.0,
    request_options=once,
).data
seen["bash"] = [data.status, data.stdout, data.stderr, data.exit_code]
seen["bash at its limit"] = client.bash.exec(command="sleep 30", session_id="secret", hard_timeout=1.0).data.status
client.bash.close_session("secret", request_options=once)
seen["bash session that is gone"] = missing(lambda: client.bash.close_session("secret"))

text, binary = folder + "/notes/a.txt", folder + "/b.bin"
client.file.write_file(file=text, content="one\ntwo\nthree\n")
client.file.write_file(file=text, content="four\n", append=True)
client.file.write_file(file=binary, content=base64.b64encode(bytes(range(256))).decode(), encoding="base64")
seen["read"] = client.file.read_file(file=text).data.content
seen["lines"] = client.file.read_file(file=text, start_line=1, end_line=3).data.content
seen["download"] = b"".join(client.file.download_file(path=binary)).hex()
seen["find"] = client.file.find_files(path=folder, glob="*.txt").data.files
listed = client.file.list_path(path=folder, recursive=True, show_hidden=False).data.files
seen["list"] = sorted(entry.path for entry in listed if not entry.is_directory)
grep = client.file.grep_files(
    path=folder,
    pattern="T[WH]",
    case_insensitive=True,
    fixed_strings=False,
    max_results=400,
    max_file_size="1M",
    recursive=True,
).data
seen["grep"] = [grep.truncated, [[match.file, match.line_number, match.line_content] for match in grep.matches]]

print(json.dumps(seen))
