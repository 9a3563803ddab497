// The gVisor release that is installed where none is named, and what its programs must be.
import { NodeArchitecture, type GvisorChecksums } from "./args";

/** Where releases are published (https://gvisor.dev/docs/user_guide/install/). */
export const releasesUrl = "https://storage.googleapis.com/gvisor/releases/release";

/** The release. */
export const defaultRelease = "20260209.1";

/**
 * Its checksums, as kubernetes-sigs/kubespray pins them too (roles/kubespray_defaults/vars/main/checksums.yml, commit
 * 005bdce7f1867958838a2d0bb4f7e67893d98f64).
 */
export const defaultChecksums: readonly GvisorChecksums[] = [
  {
    architecture: NodeArchitecture.X86_64,
    runsc:
      "1e0e42f7d3f4b3eded4e96be5af4dcdbecc9bca7ce40f5b9fa191210690397d71771c7c0e0835c32221261b004250fe513a9265447e62d9bf92fb6a5f7276a68",
    shim: "bd21b80502be25484d8b43168c88d66b6f3e853c78c0ae5b5206c5625e2a365e98c8b3ba259453d18c01d1aa08fb7c8c1e7f122fdcd7ef806bfc2f44f5837b5e",
  },
  {
    architecture: NodeArchitecture.Aarch64,
    runsc:
      "e95170b4f70688d014c795ffa9b3d583753f865edfd8afb4e2969490869bdb46b60672f641741f788e2ffee8f29751a017e9a68b98c1e44f5194da9a64b0ff28",
    shim: "714ad3a53a28aa4acd891553d848278f5a873d0a1733836382eaf2bf701d62ece9cef324390602d2676af5e2e3a3d329486d2b18803c9cef5685220764757eb4",
  },
];
