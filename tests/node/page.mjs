// Opens a page of ours in Chromium, in light and in dark and on a narrow screen, and prints what a person would
// trip over: what axe finds, requests to anywhere, errors, text that is wider than the screen.
// Usage: node page.mjs FILE
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { chromium } from 'playwright-core'

const [file] = process.argv.slice(2)
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync',
  ],
})
const found = []
let title = ''
const backgrounds = {}
try {
  for (const [colorScheme, width] of [['light', 1280], ['dark', 1280], ['light', 360]]) {
    // The page forbids scripts, and axe is one.
    const context = await browser.newContext({ colorScheme, viewport: { width, height: 800 }, bypassCSP: true })
    const page = await context.newPage()
    const where = `${colorScheme} ${width}`
    page.on('request', request => request.url().startsWith('file:') || found.push(`${where}: asks for ${request.url()}`))
    page.on('console', message => message.type() === 'error' && found.push(`${where}: ${message.text()}`))
    page.on('pageerror', error => found.push(`${where}: ${error.message}`))
    await page.goto(pathToFileURL(file).href)
    await page.evaluate(axe)
    const results = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations', 'incomplete'] }))
    for (const { id, help, nodes } of [...results.violations, ...results.incomplete]) {
      found.push(`${where}: ${id}: ${help}: ${nodes[0].html}`)
    }
    if (results.passes.length === 0) found.push(`${where}: axe looked at nothing`)
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
    if (overflow > 0) found.push(`${where}: ${overflow} pixels wider than the screen`)
    backgrounds[colorScheme] = await page.evaluate(() => getComputedStyle(document.body).backgroundColor)
    title = await page.title()
    await context.close()
  }
} finally {
  await browser.close()
}
console.log(JSON.stringify({ title, found, backgrounds }))
