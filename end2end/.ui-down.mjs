import { chromium } from '@playwright/test';
const BASE='http://localhost:3077';
const browser = await chromium.launch({ executablePath:'/usr/bin/chromium', args:['--no-sandbox'] });
const page = await browser.newPage(); await page.goto(BASE+'/'); await page.waitForSelector('html[data-hydrated]');
await page.getByTestId('sign-in-typed').click(); console.log('alert:', await page.getByRole('alert').textContent()); 
await page.screenshot({path:'/tmp/ui/shots/typed-down.png'});
await page.goto(BASE+'/auth/login'); console.log(page.url(), await page.locator('h1').textContent());
await page.goto(BASE+'/auth/callback?code=a&code=b&state=c'); console.log(page.url(), await page.locator('h1').textContent(), await page.getByRole('link',{name:'Try again'}).getAttribute('href'));
await page.goto(BASE+'/auth/login?return_to=//evil'); console.log(page.url(), await page.locator('h1').textContent());
for (const [m,u,h] of [['GET','/_fn/profile',{}],['POST','/_fn/profile',{}],['GET','/_fn/nope',{}],['GET','/nope',{}],['POST','/profile',{}],['GET','/profile',{}],['GET','/auth/logout',{}]]) { const r = await page.evaluate(async ([m,u,h])=>{const r=await fetch(u,{method:m,headers:h}); return [m,u,r.status,r.headers.get('cloakroom-error'),r.headers.get('content-type'),(await r.text()).slice(0,150)]},[m,u,h]); console.log(...r); }
await page.request.get(BASE+'/auth/logout');
await page.goto(BASE+'/auth/logout'); await page.screenshot({path:'/tmp/ui/shots/notice.png'}); console.log(await page.evaluate(()=>getComputedStyle(document.querySelector('.notice-page')).maxWidth));
await browser.close();
