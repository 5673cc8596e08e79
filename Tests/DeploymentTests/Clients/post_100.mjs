// Posts 100 messages, one after the other, with the fetch of Node as it comes: node post_100.mjs URL
const url = `${process.argv[2]}/v2/queues/q/messages`;
const headers = {
  "Client-ID": "3381af92-2b9e-11e3-b191-71861300734c", "X-Project-Id": "node", "Content-Type": "application/json",
};
let created = 0;
for (let number = 0; number < 100; number++) {
  const answer = await fetch(url, { method: "POST", headers, body: '{"messages": [{"body": 1}]}' });
  await answer.text();
  if (answer.status === 201) created++;
}
console.log(`created ${created}`);
