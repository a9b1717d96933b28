// Modules in ConfigMaps: a zip with its folders, and files; followed when they change.
import { describe, expect } from 'vitest';
import type { TransformSpec } from '../src/api/index.ts';
import { writeZip } from '../src/archive/index.ts';
import { zipOf } from '../test/archives/index.ts';
import { conditionOf, member, type Space, sampleModule, story, useOperator } from './support/index.ts';

useOperator();

const SPEC: TransformSpec = {
  cueRef: { type: 'configmap', ref: 'module', path: 'web' },
  serviceAccountName: 'deployer',
};

/** A module whose package `web` imports one beside it. */
async function moduleZip(greeting: string): Promise<string> {
  const files = {
    'cue.mod/module.cue': 'module: "example.com/shop@v0"\nlanguage: version: "v0.15.0"\n',
    'web/web.cue': `package web

import "example.com/shop/words"

graph: nodes: cm: object: {apiVersion: "v1", kind: "ConfigMap", metadata: name: "cm", data: text: words.greeting}
`,
    'words/words.cue': `package words\n\ngreeting: "${greeting}"\n`,
    'README.md': '# shop\n',
  };
  const zip = await writeZip(
    new Map(Object.entries(files).map(([path, text]) => [path, new TextEncoder().encode(text)])),
  );
  return Buffer.from(zip).toString('base64');
}

async function untilSaid(space: Space, text: string): Promise<void> {
  await space.untilFound('ConfigMap', 'cm', (found) => member(found, 'data', 'text') === text);
}

async function untilNotFetched(space: Space, why: string): Promise<void> {
  await space.untilTransform('shop', 'is not fetched', (found) => {
    const fetched = conditionOf(found, 'Fetched');
    return fetched?.status === 'False' && fetched.message.includes(why);
  });
}

describe.concurrent('a zip in a ConfigMap', () => {
  story('is a module with folders, and rendered at once when it changes', async ({ space }) => {
    await space.create('ConfigMap', 'module', {
      metadata: { labels: { 'pequod.io/module': 'true' } },
      binaryData: { 'module.zip': await moduleZip('hello') },
    });
    await space.transform('shop', SPEC);
    await space.untilReady('shop');
    await untilSaid(space, 'hello');
    await space.patch('ConfigMap', 'module', { binaryData: { 'module.zip': await moduleZip('good day') } });
    await untilSaid(space, 'good day');
  });

  story('that is hostile or not alone is named, and what runs is left', async ({ space }) => {
    await space.create('ConfigMap', 'module', {
      metadata: { labels: { 'pequod.io/module': 'true' } },
      binaryData: { 'module.zip': await moduleZip('hello') },
    });
    await space.transform('shop', SPEC);
    await space.untilReady('shop');
    const hostile = Buffer.from(zipOf([{ name: '../a.cue', content: 'x: 1' }])).toString('base64');
    await space.patch('ConfigMap', 'module', { binaryData: { 'module.zip': hostile } });
    await untilNotFetched(
      space,
      'module.zip of ConfigMap module: archive entry "../a.cue" leaves its folder by ..',
    );
    await space.patch('ConfigMap', 'module', {
      binaryData: { 'module.zip': await moduleZip('hello again') },
      data: { 'more.cue': 'package more' },
    });
    await untilNotFetched(space, 'has module.zip and more.cue');
    await untilSaid(space, 'hello');
    await space.patch('ConfigMap', 'module', { data: { 'more.cue': null } });
    await untilSaid(space, 'hello again');
  });
});

describe.concurrent('files in a ConfigMap', () => {
  const cueRef = { type: 'configmap', ref: 'module' } as const;
  const made = async (space: Space, version: string): Promise<void> => {
    await space.untilFound('ConfigMap', 'made', (found) => member(found, 'data', 'version') === version);
  };

  story('without the label are looked at by interval, and at once where a person asks', async ({ space }) => {
    await space.create('ConfigMap', 'module', { data: { 'story.cue': sampleModule('1') } });
    await space.transform('shop', { cueRef, interval: '5s' });
    await made(space, '1');
    await space.patch('ConfigMap', 'module', { data: { 'story.cue': sampleModule('2') } });
    await made(space, '2');
    await space.transform('shop', { cueRef, interval: '1h' });
    await space.untilReady('shop');
    await space.patch('ConfigMap', 'module', { data: { 'story.cue': sampleModule('3') } });
    await space.patch('Transform', 'shop', { metadata: { annotations: { 'pequod.io/reconcile': 'now' } } });
    await made(space, '3');
  });

  story('that are gone leave what runs, Ready says so, and come back by themselves', async ({ space }) => {
    await space.create('ConfigMap', 'module', { data: { 'story.cue': sampleModule('1') } });
    await space.transform('shop', { cueRef, interval: '5s' });
    await space.untilReady('shop');
    await space.delete('ConfigMap', 'module');
    await untilNotFetched(space, 'there is no ConfigMap');
    expect(conditionOf(await space.readTransform('shop'), 'Ready')?.status).toBe('True');
    await made(space, '1');
    await space.create('ConfigMap', 'module', { data: { 'story.cue': sampleModule('2') } });
    await made(space, '2');
  });

  story('are nothing to a ServiceAccount that may not read them', async ({ space }) => {
    await space.create('ConfigMap', 'module', { data: { 'story.cue': sampleModule('1') } });
    await space.create('ServiceAccount', 'nobody', {});
    await space.transform('shop', { cueRef, serviceAccountName: 'nobody' });
    await untilNotFetched(space, 'configmaps "module" is forbidden');
    expect(await space.names('ResourceGraph')).toEqual([]);
  });
});
