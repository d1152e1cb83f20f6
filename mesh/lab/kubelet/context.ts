import type { Api } from '../api/client.ts';
import type { NetNames } from '../net/names.ts';
import type { LabPrograms } from '../parts/ensure.ts';
import type { Image } from './images.ts';

/** What every pod of a lab shares. */
export type PodContext = {
  readonly api: Api;
  readonly names: NetNames;
  readonly nodeName: string;
  readonly programs: LabPrograms;
  readonly images: Readonly<Record<string, Image>>;
  /** A line for the log of the kubelet. */
  readonly say: (text: string) => void;
};
