import { chromium } from '@playwright/test';
import AxeBuilder from '@axe-core/playwright';
import { readFileSync } from 'node:fs';
const BASE='http://localhost:3077';
const browser = await chromium.launch({ executablePath:'/usr/bin/chromium', args:['--no-sandbox','--disable-quic','--disable-background-networking'] });
const axe = async (page, n) => { const r = await new AxeBuilder({ page }).analyze(); for (const v of r.violations) console.log('AXE', n, v.id, v.nodes.map(x=>x.target+' '+x.failureSummary.slice(0,120)).join(' | ')); };
const hyd = (p) => p.waitForSelector('html[data-hydrated]');
const signIn = async (page) => { await page.getByLabel(/email/i).fill('bob@example.com'); await page.getByLabel(/password/i).fill('bob-keeps-his-ticket'); await page.getByRole('button',{name:/sign in/i}).click(); };
for (const colorScheme of ['light','dark']) for (const viewport of [{width:1280,height:800},{width:320,height:640}]) {
  const c = await browser.newContext({ colorScheme, viewport }); const page = await c.newPage();
  page.on('pageerror', e => console.log('pageerror', e.message));
  const tag = colorScheme+viewport.width;
  await page.goto(BASE+'/'); await hyd(page); await axe(page, tag+' home');
  await page.goto(BASE+'/nope?a=1'); await hyd(page); await axe(page, tag+' 404');
  await page.goto(BASE+'/auth/error?code=state_expired&ref=c2spssrn7bjha'); await hyd(page); await axe(page, tag+' error'); console.log(await page.locator('h1').textContent(), await page.getByTestId('error-reference').textContent());
  await page.goto(BASE+'/profile'); await signIn(page); await page.waitForURL(BASE+'/profile'); await hyd(page); await axe(page, tag+' profile');
  if (viewport.width===320) await page.screenshot({path:`/tmp/ui/shots/check-${tag}-profile.png`,fullPage:true});
  await page.goto(BASE+'/'); await hyd(page); await axe(page, tag+' home in');
  const over = await page.evaluate(()=>document.documentElement.scrollWidth-innerWidth); if (over>0) console.log(tag,'overflow',over);
  // session ended elsewhere, client navigation to profile -> leads to sign in
  const html = await page.content();
  await page.evaluate(() => fetch('/auth/logout',{method:'POST'}).then(r=>{window.__s=r.status}));
  console.log('logout by fetch', await page.evaluate(()=>window.__s));
  await page.getByRole('link',{name:'Profile'}).click(); await page.waitForURL(/9477|profile/); await page.waitForTimeout(1500); console.log('after ended:', page.url());
  await c.close();
}
{ const c = await browser.newContext({ javaScriptEnabled:false }); const page = await c.newPage();
  await page.goto(BASE+'/'); await page.screenshot({path:'/tmp/ui/shots/nojs-home.png'}); console.log('typed visible without js', await page.getByTestId('sign-in-typed').isVisible());
  await page.getByRole('link',{name:'Sign in',exact:true}).click(); await signIn(page); await page.getByRole('link',{name:'Profile'}).click(); console.log('nojs', await page.locator('tr[data-claim=groups] td').textContent(), await page.locator('h1').textContent()); 
  await page.getByRole('button',{name:'Sign out'}).click(); console.log(await page.getByRole('status').textContent()); await c.close(); }
{ const c = await browser.newContext(); const page = await c.newPage(); await page.goto(BASE+'/'); await hyd(page); process.kill(Number(readFileSync('/tmp/ui/pids','utf8').split(' ')[0])); await page.waitForTimeout(500);
  await page.getByTestId('sign-in-typed').click(); await page.waitForTimeout(2500); console.log('provider down:', await page.getByRole('alert').textContent(), await page.getByTestId('sign-in-typed').textContent()); await page.screenshot({path:'/tmp/ui/shots/typed-down.png'});
  await c.close(); }
await browser.close();
