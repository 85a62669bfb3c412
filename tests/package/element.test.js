/**
 * <long-document-classifier> of the packed tarball in plain HTML, React, Vue and Svelte, in one real bundle: each is given a text,
 * told the result, and gives another text then. The element is also imported where there is no document.
 */
import assert from 'node:assert/strict'
import { cpSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { closeBrowser, copyModel, freshProject, importTool, installTarball, installTools, outputOf, tools, visitFolder } from './project.js'

let project

before(async () => {
  await installTools()
  project = (await installTarball()).folder
})
after(closeBrowser)

test('plain HTML, React, Vue and Svelte, built by Vite', async () => {
  const folder = freshProject(project, 'element', [])
  cpSync(fileURLToPath(new URL('fixtures/element', import.meta.url)), folder, { recursive: true })
  // The frameworks are among the tools.
  for (const name of ['react', 'react-dom', 'scheduler', 'vue', '@vue', 'svelte', 'esm-env', 'clsx']) {
    symlinkSync(join(dirname(tools.resolve('vite/package.json')), '..', name), join(folder, 'node_modules', name))
  }
  copyModel(project, join(folder, 'public'))
  const { build } = await importTool('vite')
  const { default: vue } = await importTool('@vitejs/plugin-vue')
  const { svelte } = await importTool('@sveltejs/vite-plugin-svelte')
  const isCustomElement = (tag) => tag === 'long-document-classifier'
  await build({
    root: folder, configFile: false, logLevel: 'error',
    plugins: [vue({ template: { compilerOptions: { isCustomElement } } }), svelte({ configFile: false })]
  })
  const { results, error, complaints } = await visitFolder(join(folder, 'dist'))
  assert.deepEqual({ error, complaints }, { error: undefined, complaints: [] })
  const both = ['positive', 'negative']
  assert.deepEqual(results, { plain: both, react: both, vue: both, svelte: both })
})

test('imported on a server it does nothing', async () => {
  const folder = freshProject(project, 'element-server', [], {
    'server.mjs': "const { LongDocumentClassifier, define } = await import('linformer-wasm/element')\ndefine()\nconsole.log(typeof LongDocumentClassifier, typeof customElements)\n"
  })
  assert.equal(await outputOf(process.execPath, ['server.mjs'], folder), 'function undefined\n')
})
