// How a build comes by pip: one certain wheel, from the index that the packages come from, checked and run where it lies. So a
// base needs no pip of its own and no Debian archive, and every build installs by the same pip.

/** The wheel, and what it must hash to: https://pypi.org/project/pip/25.3/#files */
const pip = {
  file: "pip-25.3-py3-none-any.whl",
  sha256: "9655943313a94722b7774661c21049070f6bbb0a1516bf02f7c8d5d9201514cd",
} as const;

/** Where a build keeps what it is given and what it fetches. */
export const buildFolder = "/build";

/** The wheel, which Python can run. */
export const pipWheel = `${buildFolder}/${pip.file}`;

/**
 * A Python program that fetches the wheel. It needs nothing but the standard library, reads PIP_INDEX_URL (with or without
 * user and password) and takes the certificates of the build beside those of the system.
 */
export const fetchPip = `
import base64, hashlib, html, os, re, ssl, sys
from urllib import parse, request
index = (os.environ.get("PIP_INDEX_URL") or "https://pypi.org/simple").rstrip("/") + "/pip/"
trusted = ssl.create_default_context()
if os.path.getsize("${buildFolder}/certificates.pem"):
    trusted.load_verify_locations("${buildFolder}/certificates.pem")
account = parse.urlsplit(index)
def get(url):
    parts = parse.urlsplit(url)
    host = parts.hostname + (":%d" % parts.port if parts.port else "")
    asked = request.Request(parse.urlunsplit(parts._replace(netloc=host, fragment="")))
    if account.username and parts.hostname == account.hostname:
        user = parse.unquote(account.username) + ":" + parse.unquote(account.password or "")
        asked.add_header("Authorization", "Basic " + base64.b64encode(user.encode()).decode())
    return request.urlopen(asked, context=trusted, timeout=60).read()
link = re.search(r'href="([^"#]*${pip.file.replaceAll(".", "\\.")})', get(index).decode())
if not link:
    sys.exit("The index that PIP_INDEX_URL names has no ${pip.file}, which packages are installed by")
wheel = get(parse.urljoin(index, html.unescape(link.group(1))))
found = hashlib.sha256(wheel).hexdigest()
if found != "${pip.sha256}":
    sys.exit("${pip.file} is not the one that was published: its hash is " + found)
open("${pipWheel}", "wb").write(wheel)
`.trim();
