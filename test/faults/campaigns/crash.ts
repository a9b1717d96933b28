// The operator is killed at every call: after it has landed and before its answer is there; and, where the call writes,
// also before it is passed on.
import type { Campaign } from './campaign.ts';
import { atEachCall } from './nth-call.ts';

export const crash: Campaign = {
  name: 'crash',
  series: (faultFree) => [
    atEachCall(faultFree, {
      prefix: '',
      what: 'killed after call',
      fault: ({ kill }) => ({ type: 'kill', when: 'after', kill }),
    }),
    atEachCall(faultFree, {
      prefix: 'before-',
      what: 'killed before write',
      isOne: ({ isWrite }) => isWrite,
      fault: ({ kill }) => ({ type: 'kill', when: 'before', kill }),
    }),
  ],
};
