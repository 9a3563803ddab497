// What must hold between the settings of storage: one source, not several.
import type { z } from "zod";

import { skillsSources, type skills } from "./keys/skills";
import { userDataSources, type userData } from "./keys/user-data";

type Refuse = (path: string[], message: string) => void;
type Skills = z.infer<typeof skills>;
type UserData = z.infer<typeof userData>;

/** Skills come from one place at most. */
export function checkSkills(settings: Skills, refuse: Refuse): void {
  const [first, second] = skillsSources.filter((source) => settings[source] !== undefined);
  if (first !== undefined && second !== undefined)
    refuse(["skills", second], `give either ${first} or ${second}, not both`);
}

/** Users' data is in exactly one place. */
export function checkUserData(settings: UserData, refuse: Refuse): void {
  const [first, second] = userDataSources.filter((source) => settings[source] !== undefined);
  if (first === undefined)
    refuse(["userData"], `say where the data is kept: one of ${userDataSources.join(", ")}`);
  if (first !== undefined && second !== undefined)
    refuse(["userData", second], `give either ${first} or ${second}, not both`);
}
