// A tar archive of a few files, in memory (POSIX ustar): what Docker takes to put files into a container.

/** A file to pack. `name` without a leading slash. */
export interface TarFile {
  name: string;
  mode: number;
  content: Buffer;
}

const blockSize = 512;
const longestName = 100;
const longestPrefix = 155;

/** The archive. */
export function tar(files: readonly TarFile[]): Buffer {
  return Buffer.concat([...files.flatMap(entry), Buffer.alloc(2 * blockSize)]);
}

function entry({ name, mode, content }: TarFile): Buffer[] {
  const padding = (blockSize - (content.length % blockSize)) % blockSize;
  return [header(name, mode, content.length), content, Buffer.alloc(padding)];
}

function header(path: string, mode: number, size: number): Buffer {
  const { prefix, name } = splitPath(path);
  const block = Buffer.alloc(blockSize);
  block.write(name, 0);
  block.write(octal(mode, 8), 100);
  block.write(octal(0, 8), 108); // owner: root
  block.write(octal(0, 8), 116); // group: root
  block.write(octal(size, 12), 124);
  block.write(octal(Math.floor(Date.now() / 1000), 12), 136);
  block.write(" ".repeat(8), 148); // the checksum counts as blanks
  block.write("0", 156); // a regular file
  block.write("ustar\u000000", 257);
  block.write(prefix, 345);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

function octal(value: number, width: number): string {
  return `${value.toString(8).padStart(width - 1, "0")}\0`;
}

/** ustar keeps a long path in two parts, cut at a slash. */
function splitPath(path: string): { prefix: string; name: string } {
  if (Buffer.byteLength(path) <= longestName) return { prefix: "", name: path };
  for (let at = path.indexOf("/"); at >= 0; at = path.indexOf("/", at + 1)) {
    const prefix = path.slice(0, at);
    const name = path.slice(at + 1);
    if (Buffer.byteLength(prefix) > longestPrefix) break;
    if (name !== "" && Buffer.byteLength(name) <= longestName) return { prefix, name };
  }
  throw new Error(`the path ${path} is too long to be uploaded`);
}
