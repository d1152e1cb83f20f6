import { findFreePortBase } from '../../local/ports.ts';
import { startWorld, type World } from './world.ts';

/** A world for browsers: they have passkeys for domains alone, and no address of IP is one. */
export async function startPageWorld(): Promise<World> {
  const portBase = await findFreePortBase();
  const frontDoor = `http://localhost:${portBase}`;
  const world = await startWorld({ portBase, publicUrl: frontDoor });
  return { ...world, stack: { ...world.stack, urls: { ...world.stack.urls, frontDoor } } };
}
