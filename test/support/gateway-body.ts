// What DeerFlow's gateway sends when it asks for a sandbox: every field that its client has, and the mounts of its own state.

/** Where the gateway says that its state is: in its Helm chart, by `DEER_FLOW_HOST_BASE_DIR`. */
export const gatewayBaseDir = "/app/backend/.deer-flow";

/** Whose sandbox it is. */
export interface GatewayUser {
  readonly userId: string;
  readonly threadId: string;
}

/** The body of `POST /api/sandboxes`. */
export function gatewayBody(id: string, user: GatewayUser = { userId: "u1", threadId: `t-${id}` }): object {
  const { userId, threadId } = user;
  const own = `${gatewayBaseDir}/users/${userId}`;
  return {
    ...{ sandbox_id: id, thread_id: threadId, user_id: userId, include_legacy_skills: true },
    ...{ provision_lark_cli_runtime: false, provision_lark_cli_broker: false },
    ...{ skills_container_path: "/mnt/skills", max_shell_sessions: 4 },
    extra_mounts: [
      {
        host_path: `${own}/threads/${threadId}/acp-workspace`,
        container_path: "/mnt/acp-workspace",
        read_only: false,
      },
      {
        host_path: `${own}/skills_view/custom`,
        container_path: "/mnt/skills/custom",
        read_only: true,
      },
    ],
  };
}
