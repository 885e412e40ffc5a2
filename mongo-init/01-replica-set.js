// Makes one replica set out of the three members. Run by mongosh beside the first member (its network namespace), for
// before there are users MongoDB obeys only connections from its own machine. May run again: a set that exists stays.
//
//   DARAA_MONGO_LOCAL  the first member as seen from here      (default 127.0.0.1:27017)
//   DARAA_MONGO_HOSTS  the members as they see each other      (default mongo1:27017,mongo2:27017,mongo3:27017)

const path = require('path');
const fs = require('fs');

const local = process.env.DARAA_MONGO_LOCAL || '127.0.0.1:27017';
const hosts = (process.env.DARAA_MONGO_HOSTS || 'mongo1:27017,mongo2:27017,mongo3:27017').split(',');
const definition = JSON.parse(fs.readFileSync(path.join(__dirname, 'users.json'), 'utf8'));
const admin = new Mongo(`mongodb://${local}/?directConnection=true`).getDB('admin');

const hello = () => admin.runCommand({ hello: 1 });

if (hello().setName === undefined) {
  const answer = admin.runCommand({
    replSetInitiate: {
      _id: 'daraa',
      version: 1,
      members: hosts.map((host, number) => ({ _id: number, host })),
      settings: definition.settings,
    },
  });
  if (answer.ok !== 1) throw new Error(`replSetInitiate: ${answer.codeName}: ${answer.errmsg}`);
  print(`replica set daraa formed of ${hosts.join(', ')}`);
}

const deadline = Date.now() + 60000;
while (hello().primary === undefined) {
  if (Date.now() > deadline) throw new Error('no primary within 60 s');
  sleep(200);
}
print(`primary: ${hello().primary}`);
