// `npm run sdk`: generates an SDK of the component package with whichever engine is used here.
import { UserError } from "../errors.js";
import { ensurePulumi } from "../pulumi-engine/index.js";
import { generateSdk, sdkLanguages } from "./generate.js";

const usage = `Say which, and where to: npm run sdk -- ${sdkLanguages.join("|")} FOLDER`;

async function main([language, out, ...more]: readonly string[]): Promise<void> {
  const known = sdkLanguages.find((each) => each === language);
  if (known === undefined)
    throw new UserError(
      `there is no SDK in ${language ?? "(no language)"}`,
      `${usage}. The official CLI has others`,
    );
  if (out === undefined || out === "" || more.length > 0) throw new UserError("one folder is needed", usage);
  console.log(`The SDK is in ${await generateSdk(await ensurePulumi(), known, out)}`);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof UserError ? `${error.message}\n${error.remedy}` : error);
  process.exitCode = 1;
});
