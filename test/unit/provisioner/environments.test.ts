// Which environments there are while their ConfigMaps are renamed, relabelled and broken.
import assert from "node:assert/strict";

import type { V1ConfigMap } from "@kubernetes/client-node";

import { Environments } from "../../../provisioner/src/core/environments.js";
import type { ChangeListener } from "../../../provisioner/src/kubernetes/watch-cache.js";
import { environment } from "./house.js";

const noon = Date.parse("2026-01-02T12:00:00Z");

/** Environments, and ConfigMaps as a watch tells of them. */
function followed() {
  const listeners: ChangeListener<V1ConfigMap>[] = [];
  const refused: string[] = [];
  const environments = new Environments(
    { onChange: (listener) => (listeners.push(listener), () => true) },
    undefined,
    (configMap) => void refused.push(configMap),
  );
  const changed: string[] = [];
  environments.onChange((name) => void changed.push(name));
  const tell = (configMap: V1ConfigMap, gone = false): void => {
    for (const listener of listeners) listener(configMap, gone);
  };
  /** What `name` is made from. */
  const image = (name: string): string | undefined => environments.get(name)?.image;
  const names = (): string[] => environments.all().map(({ name }) => name);
  return { tell, image, names, refused, changed };
}

/** A ConfigMap that defines an environment, made so many seconds after noon. */
function configMap(name: string, defines: string, image: string, second = 0): V1ConfigMap {
  const { metadata, data } = environment(defines, 1, { image }) as V1ConfigMap;
  const creationTimestamp = new Date(noon + second * 1000).toISOString() as unknown as Date;
  return { metadata: Object.assign({}, metadata, { name, creationTimestamp }), data: data ?? {} };
}

const broken = (one: V1ConfigMap): V1ConfigMap =>
  Object.assign({}, one, { data: { "environment.json": "{" } });

describe("the environments of ConfigMaps", () => {
  it("stay when their ConfigMap is renamed: the new one is there before the old one goes", () => {
    const { tell, image, names } = followed();
    const old = configMap("old", "e", "example/a:1");
    tell(old);
    tell(configMap("new", "e", "example/a:2", 60));
    assert.equal(image("e"), "example/a:1", "the older one counts while both are there");
    tell(old, true);
    assert.equal(image("e"), "example/a:2");
    tell(configMap("new", "e", "example/a:2", 60), true);
    assert.deepEqual(names(), []);
  });

  it("go with their name when a ConfigMap comes to define another", () => {
    const { tell, names, changed } = followed();
    tell(configMap("one", "e", "example/a:1"));
    tell(configMap("one", "f", "example/a:1"));
    assert.deepEqual(names(), ["f"]);
    assert.deepEqual(changed, ["e", "e", "f"], "whoever keeps the pool of e is told that it has gone");
  });

  it("are the same whatever order two ConfigMaps of one name are told in", () => {
    const older = configMap("z", "e", "example/older:1");
    const younger = configMap("a", "e", "example/younger:1", 1);
    const twin = configMap("b", "e", "example/twin:1");
    for (const [told, wins] of [
      [[older, younger], "example/older:1"],
      [[younger, older], "example/older:1"],
      [[older, twin], "example/twin:1"],
      [[twin, older], "example/twin:1"],
    ] as const) {
      const { tell, image } = followed();
      for (const one of told) tell(one);
      assert.equal(image("e"), wins);
    }
  });

  it("stay as they were when a change of their ConfigMap cannot be read, unless another defines them", () => {
    const { tell, image, names, refused, changed } = followed();
    const older = configMap("one", "e", "example/a:1");
    tell(older);
    tell(broken(older));
    assert.equal(image("e"), "example/a:1");
    assert.deepEqual([refused, changed], [["one"], ["e"]]);
    const younger = configMap("two", "e", "example/a:2", 60);
    tell(younger);
    assert.equal(image("e"), "example/a:2", "what a replica that starts now would take");
    tell(younger, true);
    assert.equal(image("e"), "example/a:1");
    tell(broken(older), true);
    assert.deepEqual(names(), []);
  });
});
