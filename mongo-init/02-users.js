// Creates or corrects the roles and users of users.json. Run by mongosh after 01-replica-set.js, with the same
// environment and DARAA_SECRETS_DIR, the folder of the password files (default /run/secrets). May run again: passwords
// and rights are set to what the files say. The users for tests exist only on the replica set of scripts/test.

const path = require('path');
const fs = require('fs');

const local = process.env.DARAA_MONGO_LOCAL || '127.0.0.1:27017';
const hosts = process.env.DARAA_MONGO_HOSTS || 'mongo1:27017,mongo2:27017,mongo3:27017';
const secrets = process.env.DARAA_SECRETS_DIR || '/run/secrets';
const definition = JSON.parse(fs.readFileSync(path.join(__dirname, 'users.json'), 'utf8'));

const password = (user) => {
  const text = fs.readFileSync(path.join(secrets, `mongo_${user}_password`), 'utf8').trim();
  if (text === '') throw new Error(`mongo_${user}_password is empty`);
  return text;
};

const run = (db, command) => {
  const answer = db.runCommand(command);
  // The command itself is not printed: it holds passwords.
  if (answer.ok !== 1) throw new Error(`${Object.keys(command)[0]}: ${answer.codeName}: ${answer.errmsg}`);
  return answer;
};

const connect = () =>
  new Mongo(`mongodb://root:${encodeURIComponent(password('root'))}@${hosts}/?replicaSet=daraa&authSource=admin`).getDB('admin');

let admin;
try {
  admin = connect();
  run(admin, { usersInfo: 1 });
} catch (error) {
  if (!/auth/i.test(String(error))) throw error;
  // No root user yet: the first one may be created from this machine without a password.
  run(new Mongo(`mongodb://${local}/?directConnection=true`).getDB('admin'), {
    createUser: 'root',
    pwd: password('root'),
    roles: ['root'],
    writeConcern: { w: 'majority', wtimeout: 20000 },
  });
  admin = connect();
}

const lists = { all: [''], writable: definition.writable, appendOnly: definition.appendOnly };
const privileges = (role) =>
  role.privileges.flatMap(({ cluster, collections, actions }) =>
    cluster ? [{ resource: { cluster }, actions }] : (typeof collections === 'string' ? lists[collections] : collections).map((collection) => ({
      resource: { db: definition.database, collection },
      actions,
    })),
  );

const roles = run(admin, { rolesInfo: 1 }).roles.map(({ role }) => role);
for (const role of definition.roles) {
  const verb = roles.includes(role.role) ? 'updateRole' : 'createRole';
  run(admin, { [verb]: role.role, privileges: privileges(role), roles: role.inherits });
}
const users = run(admin, { usersInfo: 1 }).users.map(({ user }) => user);
for (const { user, roles: granted } of definition.users) {
  const verb = users.includes(user) ? 'updateUser' : 'createUser';
  run(admin, { [verb]: user, pwd: password(user), roles: granted });
}
print(`users: root, ${definition.users.map(({ user }) => user).join(', ')}`);
