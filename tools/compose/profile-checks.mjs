import { askNode, execute, send } from './gateway-client.mjs';

const MARK = "document.cookie = 'mark=cookie; max-age=86400'; localStorage.setItem('mark', 'storage')";
const READ_MARK = "[document.cookie, localStorage.getItem('mark')].join()";

/** A session on just this node that wears the profile and keeps its state. @throws when it is refused */
async function wear(stack, node, profileId) {
  const { status, json, text } = await askNode(node, 'POST /api/sessions', { profileId, persist: true });
  if (status !== 201) throw new Error(`A create was answered with ${status}: ${text}`);
  const opened = await send(stack, `POST /api/sessions/${json.id}/navigate`, { body: { url: stack.siteUrl } });
  if (opened.status !== 200) throw new Error(`The site could not be opened: ${opened.text}`);
  return json;
}

/** Saves the state of a profile on one node, and wears it on another: by way of the object store. */
export async function checkProfiles(stack, checks) {
  const [first, second] = await stack.listNodes();
  const created = await send(stack, 'POST /api/profiles', { body: { name: 'Kept', constraints: { os: 'windows' } } });
  checks.check('a profile is made', created.status === 201, created.status === 201 ? '' : created.text);
  const { id } = created.json;
  const one = await wear(stack, first, id);
  await execute(stack, one.id, MARK);
  const locked = await askNode(second, 'POST /api/sessions', { profileId: id });
  checks.check('while it is worn no other node gives it out', locked.status === 409, locked.text.slice(0, 120));
  await send(stack, `DELETE /api/sessions/${one.id}`);
  const two = await wear(stack, second, id);
  const found = await execute(stack, two.id, READ_MARK);
  checks.check(
    'what one node has saved of a profile another one wears',
    one.nodeId === first.name && two.nodeId === second.name && found === 'mark=cookie,storage',
    `${one.nodeId}, then ${two.nodeId}: ${found}`,
  );
  await send(stack, `DELETE /api/sessions/${two.id}`);
}
