// Entry point of the docker plugin.
import { main } from "../provider/main.js";
import { dockerPlugin } from "./plugin.js";

void main(dockerPlugin);
