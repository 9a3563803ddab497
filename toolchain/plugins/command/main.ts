// Entry point of the command plugin.
import { main } from "../provider/main.js";
import { commandPlugin } from "./plugin.js";

void main(commandPlugin);
