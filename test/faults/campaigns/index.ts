import type { Campaign } from './campaign.ts';
import { crash } from './crash.ts';
import { responseLost } from './response-lost.ts';
import { stale } from './stale.ts';
import { statusCodes } from './status-codes.ts';
import { watch } from './watch.ts';

export type { ArmedFault, Campaign, FaultFreeRun, Point, Series, Stage } from './campaign.ts';
export { describeCall } from './nth-call.ts';

/** Every campaign, by the name that the command knows it by. */
export const CAMPAIGNS: readonly Campaign[] = [crash, responseLost, statusCodes, watch, stale];
